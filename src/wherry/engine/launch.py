"""From a decided start to a running task, and from an ended one to nothing left on the host.

Knows the order of the effects, which of them run side by side, and the undo of each. Must not decide anything:
`lifecycle` does. On the way up: the root is mounted while the network is connected; then the files and the
specification are written; then the shim is forked. On the way down everything is repeatable, so that what a crash has
left is taken down the same way.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from wherry import errors, faults
from wherry.aio.worker import Worker
from wherry.api import types as api
from wherry.engine import settings, top
from wherry.engine.containers import Container, Containers
from wherry.engine.namespaces import NamespaceSources
from wherry.engine.plan import log_limits
from wherry.engine.records import Record
from wherry.engine.roots import Roots
from wherry.engine.sandboxes import Sandbox, Sandboxes
from wherry.engine.wire import flag, items, mapping, text
from wherry.linux import cgroups
from wherry.runtime import bundle, spec, users
from wherry.runtime.binaries import Commands, Runtime, Runtimes, check_hierarchies, features
from wherry.runtime.task import Attachment, Ended, RuntimeFailed, ShimGone, Task, read_exit
from wherry.runtime.zygote import Zygote
from wherry.shim.job import Job

RUNTIME_LOG = "runtime.log"
_GONE_SECONDS = 15.0


class StartError(errors.WherryError):
    """A process could not be started; `code` is what Docker gives as its exit code: 126, 127 or 128."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class CommandFailed(StartError, errors.InvalidArgument):
    """The program is not there or cannot be executed."""


class RuntimeBroke(StartError, errors.Internal):
    """The runtime failed for another reason."""


def start_error(reason: str, what: str = "create") -> StartError:
    """Sort a runtime's text as dockerd does. Clients search it for certain words: other spellings are made these."""
    for words in ("Permission denied", "No such file or directory", "Is a directory"):
        reason = reason.replace(words, words.lower())
    message = f"failed to create task for container: OCI runtime {what} failed: {reason}"
    if what == "exec":
        message = f"OCI runtime exec failed: {reason}"
    if "permission denied" in reason or "is a directory" in reason:
        return CommandFailed(126, message if "permission denied" in reason else f"{message}: permission denied")
    if any(
        words in reason for words in ("executable file not found", "no such file or directory", "not found in $PATH")
    ):
        return CommandFailed(127, message)
    return RuntimeBroke(128, message)


class Launcher:
    def __init__(
        self,
        *,
        exec_root: Path,
        containers: Containers,
        roots: Roots,
        sandboxes: Sandboxes,
        runtimes: Runtimes,
        zygote: Zygote,
        worker: Worker,
        init_path: str,
    ) -> None:
        self._exec_root = exec_root
        self._containers = containers
        self._roots = roots
        self._sandboxes = sandboxes
        self._runtimes = runtimes
        self._zygote = zygote
        self._worker = worker
        self._init_path = init_path
        self._sources = NamespaceSources(containers, exec_root)
        self._hosts: dict[str, spec.Host] = {}

    # Up

    async def launch(self, container: Container) -> tuple[int, int]:
        """Start the container's first process: its pid and the time. StartError; no error leaves anything behind."""
        record = container.record
        async with contextlib.AsyncExitStack() as undo:
            undo.push_async_callback(self._worker.run, self._clear, record)
            user, sandbox = await self._prepare(container, undo)
            faults.hit("launch:after-connect")
            early, container.early = container.early, []
            directory = await self._worker.run(self._write, record, user, sandbox)
            job = self._job(record, directory)
            control = await self._zygote.fork_shim(job, [(sock, attach.request()) for sock, attach in early])
            faults.hit("launch:after-spawn")
            task = Task(control)
            try:
                pid, at = await task.started
            except RuntimeFailed as error:
                await _wait_gone(task)
                raise start_error(error.reason) from None
            container.task = task
            faults.hit("launch:after-started")
            undo.pop_all()
            return pid, at

    async def _prepare(self, container: Container, undo: contextlib.AsyncExitStack) -> tuple[spec.User, Sandbox]:
        """Mount the root and connect the network side by side."""
        record = container.record
        mounting = asyncio.create_task(self._worker.run(self._mount, record))
        connecting = asyncio.create_task(self._worker.run(self._sandboxes.connect, record))
        await asyncio.wait({mounting, connecting})
        if connecting.exception() is None:
            sandbox = connecting.result()
            undo.push_async_callback(self._worker.run, self._sandboxes.disconnect, record, sandbox.endpoints)
            if sandbox.endpoints:
                await self._containers.save(container, msgspec.structs.replace(record, endpoints=sandbox.endpoints))
                undo.push_async_callback(self._forget_endpoints, container)
        return mounting.result(), connecting.result()

    async def _forget_endpoints(self, container: Container) -> None:
        await self._containers.save(container, msgspec.structs.replace(container.record, endpoints=()))

    def _mount(self, record: Record) -> spec.User:
        rootfs = self._roots.mount(record.id, record.directory)
        faults.hit("launch:after-mount")
        return users.resolve(rootfs, text(record.config.user), items(record.host.group_add))

    def _write(self, record: Record, user: spec.User, sandbox: Sandbox) -> Path:
        """Blocking: the container's files and its bundle."""
        self._sandboxes.write_files(record, sandbox)
        runtime = self._runtimes.get(record.runtime)
        resolved = settings.Resolved(
            rootfs=str(self._roots.path(record.directory)),
            user=user,
            network=sandbox.namespace,
            joins_network=sandbox.joined is not None,
            pid=self._sources.pid(record),
            ipc=self._sources.ipc(record),
            shm_path=self._sources.shm(record),
            console_size=_console_size(record.host),
            init_path=self._init_path if flag(record.host.init) else "",
        )
        document = spec.build(settings.task(record, resolved), self._host(runtime))
        Path(self._exit_path(record)).unlink(missing_ok=True)
        return bundle.create(self._exec_root, record.id, document)

    def _host(self, runtime: Runtime) -> spec.Host:
        """What the host and this runtime can do, asked once."""
        host = self._hosts.get(runtime.name)
        if host is None:
            check_hierarchies(runtime)
            host = self._hosts[runtime.name] = spec.Host.probe(features(runtime))
        return host

    def warm_up(self) -> None:
        """Blocking: ask what the default runtime can do before the first container needs to know."""
        with contextlib.suppress(errors.WherryError):
            self._host(self._runtimes.get())

    def _job(self, record: Record, directory: Path) -> Job:
        commands = self._commands(record)
        size = _console_size(record.host)
        console = "tty.sock" if record.terminal else None
        two_steps = self._runtimes.get(record.runtime).reaps_on_run
        first = commands.create if two_steps else commands.run
        return Job(
            id=record.id,
            bundle=str(directory),
            run=first(record.id, bundle=str(directory), pid_file="pid", log=RUNTIME_LOG, console_socket=console),
            start=commands.start(record.id, log=RUNTIME_LOG) if two_steps else None,
            delete=commands.delete(record.id, log="delete.log", force=True),
            runtime_log=RUNTIME_LOG,
            exit_path=self._exit_path(record),
            terminal=record.terminal,
            stdin=flag(record.config.open_stdin),
            stdin_once=flag(record.config.stdin_once),
            size=list(size) if size else None,
            log=_log(record),
            kill_all=text(record.host.pid_mode) != "",
        )

    def _commands(self, record: Record) -> Commands:
        runtime = self._runtimes.get(record.runtime)
        return Commands(runtime, runtime.executable(), self._exec_root / f"runtime-{runtime.name}")

    # Down

    async def tear_down(self, container: Container) -> None:
        """Give back what a run held; nothing happens if it held nothing."""
        record = container.record
        task, container.task = container.task, None
        faults.hit("teardown:before-unmount")
        await asyncio.gather(
            self._worker.run(self._roots.unmount, record.directory),
            self._worker.run(self._sandboxes.disconnect, record, record.endpoints),
            _wait_gone(task),
        )
        if record.endpoints:
            await self._forget_endpoints(container)
        await self._worker.run(self._clear, record)

    def _clear(self, record: Record) -> None:
        self._roots.unmount(record.directory)
        self._sources.release(record)
        bundle.remove(self._exec_root, record.id)

    async def erase(self, container: Container, *, volumes: bool) -> None:
        """Remove all that the container has on disk."""
        await self.tear_down(container)
        await self._worker.run(self._roots.remove, container.record, volumes=volumes)

    # While it runs

    async def freeze(self, container: Container) -> None:
        await self._call(container, self._commands(container.record).pause(container.record.id, log="pause.log"))

    async def thaw(self, container: Container) -> None:
        await self._call(container, self._commands(container.record).resume(container.record.id, log="pause.log"))

    async def _call(self, container: Container, argv: list[str]) -> None:
        if container.task is None:
            raise ShimGone
        await container.task.call(argv, "pause.log")

    async def top(self, record: Record, pid: int, arguments: str) -> top.Top:
        """The processes in the container's cgroup."""
        return await self._worker.run(_top, record, pid, arguments)

    async def check_exec(self, container: Container, config: api.ContainerExecRequest) -> None:
        """Look the user up, so that a wrong one is known before the exec is started."""
        await self._worker.run(self._exec_user, container.record, config)

    def _exec_user(self, record: Record, config: api.ContainerExecRequest) -> spec.User:
        wanted = text(config.user) or text(record.config.user)
        return users.resolve(self._roots.path(record.directory), wanted, items(record.host.group_add))

    async def add_process(
        self,
        container: Container,
        name: str,
        config: api.ContainerExecRequest,
        *,
        size: tuple[int, int] | None,
        attachment: Attachment,
        client: socket.socket | None,
    ) -> int:
        """Run another process in the container: its pid. StartError; the shim takes over `client`."""
        if container.task is None:
            raise ShimGone
        record = container.record
        log, pid_file, console = f"exec-{name}.log", f"exec-{name}.pid", f"{name[:16]}.sock"
        process = await self._worker.run(self._write_process, record, name, config)
        argv = self._commands(record).exec(
            record.id,
            process=process.name,
            pid_file=pid_file,
            log=log,
            console_socket=console if flag(config.tty) else None,
        )
        try:
            return await container.task.exec(
                name,
                argv,
                pid_file=pid_file,
                log=log,
                terminal_socket=console,
                terminal=flag(config.tty),
                size=size,
                attachment=attachment,
                client=client,
            )
        except RuntimeFailed as error:
            raise start_error(error.reason, "exec") from None
        finally:
            for file in (process, process.parent / log, process.parent / pid_file):
                file.unlink(missing_ok=True)

    def _write_process(self, record: Record, name: str, config: api.ContainerExecRequest) -> Path:
        user = self._exec_user(record, config)
        document = spec.exec_process(
            settings.added_process(record, config, user), self._host(self._runtimes.get(record.runtime))
        )
        return bundle.add_process(bundle.path(self._exec_root, record.id), name, document)

    # After a restart of the daemon

    def reconnect(self, record: Record) -> Task:
        """The task of a container that has gone on; OSError if it has no shim."""
        return Task.connect(bundle.path(self._exec_root, record.id))

    def _exit_path(self, record: Record) -> str:
        return f"{record.directory}/exit.json"

    def exit_status(self, record: Record) -> Ended | None:
        return read_exit(Path(self._exit_path(record)))

    async def kill_left_behind(self, record: Record) -> None:
        """End what runs without a shim, if anything does."""
        with contextlib.suppress(errors.WherryError, OSError):
            await self._worker.run(_run_quietly, self._commands(record).delete(record.id, log="/dev/null", force=True))

    async def reconcile(self, alive: Iterable[Record]) -> None:
        """Remove what no record explains: endpoints, roots and snapshots. `alive` are the containers that go on."""
        going = list(alive)
        known = [container.record for container in self._containers]
        await self._worker.run(self._sandboxes.restore, going)
        await self._worker.run(self._roots.reconcile, known, going)


def _top(record: Record, pid: int, arguments: str) -> top.Top:
    pids = {pid, *cgroups.at(settings.cgroup_path(record)).pids()}
    return top.run(pids, arguments)


def _run_quietly(argv: list[str]) -> None:
    subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=_GONE_SECONDS, check=False)


async def _wait_gone(task: Task | None) -> None:
    """Wait until the runtime has forgotten the container, for as long as that may take."""
    if task is not None:
        await asyncio.wait({task.gone}, timeout=_GONE_SECONDS)
        task.close()


def _console_size(host: api.HostConfig) -> tuple[int, int] | None:
    size = items(host.console_size)
    return (size[0], size[1]) if len(size) == 2 and all(size) else None


def _log(record: Record) -> dict[str, Any] | None:
    log = record.host.log_config
    if not isinstance(log, api.HostConfigLogConfig) or text(log.type) != "json-file":
        return None
    options = mapping(log.config)
    size, files, compress = log_limits(options)
    return {"path": record.log_path, "max_size": size, "max_files": files, "compress": compress}
