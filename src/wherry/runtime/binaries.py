"""OCI runtimes as programs: which there are, their command lines, and what they say when they fail.

Knows the command line that runc, crun and others share, and their JSON log. Must not run a container itself: a shim
does. See runc(8) and the runtime specification's runtime.md.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from wherry import errors
from wherry.linux import cgroups
from wherry.runtime.spec.host import Features

DEFAULT = "runc"
CGROUPFS = "cgroupfs"
SYSTEMD = "systemd"

_FEATURES_TIMEOUT = 10.0


class UnknownRuntime(errors.InvalidArgument):
    def __init__(self, name: str) -> None:
        super().__init__(f"unknown or invalid runtime name: {name}")
        self.name = name


class ReservedName(errors.InvalidArgument):
    def __init__(self, name: str) -> None:
        super().__init__(f"runtime name '{name}' is reserved")
        self.name = name


class NotInstalled(errors.FailedPrecondition):
    def __init__(self, name: str, path: str) -> None:
        super().__init__(
            f"OCI runtime {name}: executable {path} not found",
            hint=f"install {path}, or choose another runtime with --runtime",
        )
        self.name = name
        self.path = path


class IncompleteHierarchies(errors.FailedPrecondition):
    """cgroup v1 and v2 are mixed in a way that this runtime refuses."""

    def __init__(self, name: str, controllers: Sequence[str]) -> None:
        listed = ", ".join(controllers)
        commands = " && ".join(
            f"mkdir -p /sys/fs/cgroup/{each} && mount -t cgroup -o {each} cgroup /sys/fs/cgroup/{each}"
            for each in controllers
        )
        super().__init__(
            f"OCI runtime {name} does not work with cgroup v1 while controllers are left to v2: {listed}", hint=commands
        )
        self.controllers = tuple(controllers)


class Runtime(msgspec.Struct, frozen=True):
    """An OCI runtime as configured. `path` is a file or a name to be found in PATH; `args` precede every command."""

    name: str
    path: str
    args: tuple[str, ...] = ()

    def executable(self) -> str:
        """The absolute path of the program; NotInstalled if there is none."""
        found = shutil.which(self.path)
        if found is None:
            raise NotInstalled(self.name, self.path)
        return str(Path(found).absolute())

    @property
    def reaps_on_run(self) -> bool:
        """crun's `run --detach` may reap a process that ends at once, and its exit code is lost: create, then start."""
        return Path(self.path).name == "crun"

    @property
    def needs_complete_v1(self) -> bool:
        """crun refuses to start while v1 is in use and v2 has a controller left."""
        return Path(self.path).name == "crun"


class Runtimes:
    """The runtimes that can be chosen by name: runc, crun, and what the configuration adds."""

    def __init__(self, added: Sequence[Runtime] = (), default: str = DEFAULT) -> None:
        self._by_name = {name: Runtime(name, name) for name in (DEFAULT, "crun")}
        for runtime in added:
            if runtime.name == DEFAULT:
                raise ReservedName(runtime.name)
            self._by_name[runtime.name] = runtime
        self.default = default
        self.get(default)

    def get(self, name: str = "") -> Runtime:
        """The runtime of this name, "" for the default one; UnknownRuntime."""
        try:
            return self._by_name[name or self.default]
        except KeyError:
            raise UnknownRuntime(name or self.default) from None

    def all(self) -> Mapping[str, Runtime]:
        return dict(self._by_name)


class Commands:
    """The command lines of one runtime, which keeps its state below `root`. Each is a pure function of its arguments.

    `log` is a file that the runtime writes errors to, as JSON lines for `error_from_log`.
    """

    def __init__(self, runtime: Runtime, executable: str, root: Path) -> None:
        self._prefix = (executable, *runtime.args, "--root", str(root))

    def run(
        self, container_id: str, *, bundle: str, pid_file: str, log: str, console_socket: str | None = None
    ) -> list[str]:
        """Create and start, return when the process runs and leave its pid in `pid_file`."""
        options = ["--bundle", bundle, "--pid-file", pid_file, *_console(console_socket)]
        return self._command(log, "run", "--detach", *options, container_id)

    def create(
        self, container_id: str, *, bundle: str, pid_file: str, log: str, console_socket: str | None = None
    ) -> list[str]:
        """Make everything but let the process wait for `start`; its pid is in `pid_file`."""
        options = ["--bundle", bundle, "--pid-file", pid_file, *_console(console_socket)]
        return self._command(log, "create", *options, container_id)

    def start(self, container_id: str, *, log: str) -> list[str]:
        """Let a created container's process go."""
        return self._command(log, "start", container_id)

    def exec(
        self, container_id: str, *, process: str, pid_file: str, log: str, console_socket: str | None = None
    ) -> list[str]:
        """Add the process described in the file `process`."""
        options = ["--process", process, "--pid-file", pid_file, *_console(console_socket)]
        return self._command(log, "exec", "--detach", *options, container_id)

    def pause(self, container_id: str, *, log: str) -> list[str]:
        return self._command(log, "pause", container_id)

    def resume(self, container_id: str, *, log: str) -> list[str]:
        return self._command(log, "resume", container_id)

    def kill(self, container_id: str, signal: int, *, log: str, everyone: bool = False) -> list[str]:
        """Send a signal to the first process, or to all."""
        return self._command(log, "kill", *(["--all"] if everyone else []), container_id, str(signal))

    def delete(self, container_id: str, *, log: str, force: bool = False) -> list[str]:
        """Forget the container; with `force` kill it first, and no error if it is unknown (runc)."""
        return self._command(log, "delete", *(["--force"] if force else []), container_id)

    def update(self, container_id: str, *, resources: str, log: str) -> list[str]:
        """Change limits; `resources` is a file with the section linux.resources."""
        return self._command(log, "update", "--resources", resources, container_id)

    def state(self, container_id: str, *, log: str) -> list[str]:
        """Prints the state (runtime.md, "State") as JSON."""
        return self._command(log, "state", container_id)

    def ps(self, container_id: str, *, log: str) -> list[str]:
        """Prints the host's pids of the container's processes as a JSON array."""
        return self._command(log, "ps", "--format", "json", container_id)

    def _command(self, log: str, *words: str) -> list[str]:
        return [*self._prefix, "--log", log, "--log-format", "json", *words]


def _console(socket: str | None) -> list[str]:
    return [] if socket is None else ["--console-socket", socket]


class _LogLine(msgspec.Struct):
    msg: str = ""
    level: str = "error"


_line_decoder = msgspec.json.Decoder(_LogLine)


def error_from_log(log: bytes) -> str:
    """The last error in a runtime's JSON log; "" if there is none. Lines in another format count as errors."""
    found = ""
    for line in log.splitlines():
        if not line.strip():
            continue
        try:
            entry = _line_decoder.decode(line)
        except msgspec.DecodeError:
            entry = _LogLine(line.decode("utf-8", "replace").strip())
        if entry.level in ("error", "fatal", "panic"):
            found = entry.msg
    return found


def features(runtime: Runtime) -> Features:
    """What the program says it can do; nothing optional if it does not know the command. NotInstalled."""
    command = [runtime.executable(), *runtime.args, "features"]
    try:
        output = subprocess.run(command, capture_output=True, check=True, timeout=_FEATURES_TIMEOUT).stdout
        return parse_features(output)
    except (OSError, subprocess.SubprocessError, msgspec.DecodeError):
        return Features()


class _LinuxFeatures(msgspec.Struct):
    namespaces: list[str] | None = None


class _FeaturesDocument(msgspec.Struct, rename="camel"):
    mount_options: list[str] | None = None
    linux: _LinuxFeatures | None = None


def parse_features(document: bytes) -> Features:
    """The features document (features.md) as far as it matters here; msgspec.DecodeError."""
    decoded = msgspec.json.decode(document, type=_FeaturesDocument)
    names = decoded.linux.namespaces if decoded.linux else None
    return Features(frozenset(names or ()), frozenset(decoded.mount_options or ()))


def check_hierarchies(runtime: Runtime, missing: Sequence[str] | None = None) -> None:
    """Raise IncompleteHierarchies if the runtime would refuse this host's control groups, with what to do about it."""
    if runtime.needs_complete_v1 and (left := cgroups.missing_v1() if missing is None else missing):
        raise IncompleteHierarchies(runtime.name, left)


def check_cgroup_driver(name: str) -> None:
    """Accept "cgroupfs", the only way in which groups are made; others are refused in plain words."""
    if name == SYSTEMD:
        raise errors.Unsupported(
            "native.cgroupdriver=systemd is not implemented", hint=f"use native.cgroupdriver={CGROUPFS}, the default"
        )
    if name != CGROUPFS:
        raise errors.InvalidArgument(f"native.cgroupdriver={name}: the option is {CGROUPFS} or {SYSTEMD}")
