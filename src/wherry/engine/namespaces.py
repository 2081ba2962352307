"""Where a container's namespaces come from when they are not its own: the host's, or another container's.

Knows the modes of HostConfig (IpcMode, PidMode) and the files in /proc. Must not know networks, which are `sandboxes`.
"""

from __future__ import annotations

from pathlib import Path

from wherry import errors
from wherry.engine.containers import Container, Containers
from wherry.engine.machine import ALIVE
from wherry.engine.records import Record
from wherry.engine.wire import number, text
from wherry.linux import mount
from wherry.runtime import spec


class OtherNotRunning(errors.Conflict):
    def __init__(self, container: str) -> None:
        super().__init__(f"cannot join namespace of a non running container: container {container} is not running")


class NotShareable(errors.InvalidArgument):
    def __init__(self, container: str) -> None:
        super().__init__(
            f"cannot join IPC of container {container}: non-shareable IPC", hint="start it with --ipc shareable"
        )


class NamespaceSources:
    def __init__(self, containers: Containers, exec_root: Path) -> None:
        self._containers = containers
        self._exec_root = exec_root

    def _other(self, mode: str) -> Container:
        other = self._containers.find(mode.partition(":")[2])
        if other.state.phase not in ALIVE:
            raise OtherNotRunning(other.record.id)
        return other

    def pid(self, record: Record) -> str:
        mode = text(record.host.pid_mode)
        if mode == "host":
            return spec.HOST
        return f"/proc/{self._other(mode).state.pid}/ns/pid" if mode else spec.PRIVATE

    def ipc(self, record: Record) -> str:
        mode = text(record.host.ipc_mode)
        if mode == "host":
            return spec.HOST
        if not mode.startswith("container:"):
            return spec.PRIVATE
        other = self._other(mode)
        if text(other.record.host.ipc_mode) not in ("shareable", "host"):
            raise NotShareable(other.record.id)
        return f"/proc/{other.state.pid}/ns/ipc"

    def shm(self, record: Record) -> str:
        """The host directory that becomes /dev/shm, if it is shared; mounted here for one that shares its own."""
        mode = text(record.host.ipc_mode)
        if mode == "host":
            return "/dev/shm"  # noqa: S108 - the host's own
        if mode.startswith("container:"):
            return str(self._shm_path(self._other(mode).record))
        if mode != "shareable":
            return ""
        path = self._shm_path(record)
        path.mkdir(mode=0o1777, parents=True, exist_ok=True)
        options = ("nosuid", "noexec", "nodev", "mode=1777", f"size={number(record.host.shm_size)}")
        mount.MountOperation("tmpfs", "shm", str(path), options).execute()
        return str(path)

    def _shm_path(self, record: Record) -> Path:
        return self._exec_root / "shm" / record.id

    def release(self, record: Record) -> None:
        """Take down what `shm` has made."""
        path = self._shm_path(record)
        mount.unmount(str(path))
        if path.exists():
            path.rmdir()
