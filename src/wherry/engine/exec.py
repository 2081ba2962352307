"""`docker exec`: further processes in a running container.

Knows an exec's life (created, running, ended) and Docker's answers about it. Must not know how the process is started:
that is `launch`. Ended ones are kept for a while, so that a client can ask for the exit code, and go with their
container.
"""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Callable

import msgspec

from wherry import errors
from wherry.api import types as api
from wherry.engine.attach import parse_detach_keys
from wherry.engine.containers import Container
from wherry.engine.launch import Launcher, StartError
from wherry.engine.lifecycle import NotRunning
from wherry.engine.machine import Phase
from wherry.engine.publish import Publisher
from wherry.engine.wire import text
from wherry.runtime.task import Attachment, Task

_KEPT_SECONDS = 300


class NoSuchExec(errors.NotFound):
    def __init__(self, identifier: str) -> None:
        super().__init__(f"No such exec instance: {identifier}")


class NoCommand(errors.InvalidArgument):
    def __init__(self) -> None:
        super().__init__("No exec command specified")


class ContainerPaused(errors.Conflict):
    def __init__(self, container: str) -> None:
        super().__init__(f"Container {container} is paused, unpause the container before exec")


class AlreadyRun(errors.Conflict):
    def __init__(self, identifier: str, *, running: bool) -> None:
        super().__init__(f"exec command {identifier} {'is already running' if running else 'has already run'}")


class ExecNotRunning(errors.Conflict):
    def __init__(self, identifier: str) -> None:
        super().__init__(f"exec process {identifier} is not running")


class Exec(msgspec.Struct, kw_only=True):
    """One exec. `exit_code` is None until it has ended; `ended_at` is on the monotonic clock."""

    id: str
    container: Container
    config: api.ContainerExecRequest
    pid: int = 0
    running: bool = False
    exit_code: int | None = None
    ended_at: float = 0.0

    @property
    def terminal(self) -> bool:
        return self.config.tty is True

    @property
    def command(self) -> list[str]:
        return list(self.config.cmd) if isinstance(self.config.cmd, list) else []

    @property
    def started(self) -> bool:
        return self.running or self.exit_code is not None


class Execs:
    def __init__(self, launcher: Launcher, publish: Publisher, clock: Callable[[], float] = time.monotonic) -> None:
        self._launcher = launcher
        self._publish = publish
        self._clock = clock
        self._execs: dict[str, Exec] = {}

    async def create(self, container: Container, config: api.ContainerExecRequest) -> str:
        """The id of a new exec; the user is looked up now, so that a wrong one is the creator's error."""
        self._forget_old()
        _require_running(container)
        exec_ = Exec(id=secrets.token_hex(32), container=container, config=config)
        if not exec_.command:
            raise NoCommand
        parse_detach_keys(text(config.detach_keys) or None)
        await self._launcher.check_exec(container, config)
        self._execs[exec_.id] = exec_
        self._event(exec_, f"exec_create: {' '.join(exec_.command)}")
        return exec_.id

    def inspect(self, identifier: str) -> Exec:
        exec_ = self._execs.get(identifier)
        if exec_ is None:
            raise NoSuchExec(identifier)
        return exec_

    def of(self, container: Container) -> list[str]:
        """Ids of the execs that run in a container, or wait to."""
        return [e.id for e in self._execs.values() if e.container is container and e.exit_code is None]

    async def start(
        self,
        identifier: str,
        *,
        detach: bool,
        raw: bool = False,
        size: tuple[int, int] | None = None,
        detach_keys: str | None = None,
    ) -> socket.socket | None:
        """Run it; the client's end of its stdio unless detached. StartError if it cannot be executed.

        Output comes in frames unless the client wants it `raw`, which is its choice, terminal or not.
        """
        exec_ = self.inspect(identifier)
        if exec_.started:
            raise AlreadyRun(identifier, running=exec_.running)
        _require_running(exec_.container)
        task = exec_.container.task
        assert task is not None
        config = exec_.config
        keys = parse_detach_keys(detach_keys or text(config.detach_keys) or None)
        wanted = (("stdout", config.attach_stdout), ("stderr", config.attach_stderr))
        outputs = () if detach else tuple(name for name, attach in wanted if attach is True)
        attachment = Attachment(config.attach_stdin is True and not detach, outputs, keys, framed=not raw)
        ours = theirs = None
        if not detach:
            ours, theirs = socket.socketpair()
            ours.setblocking(False)
        exec_.running = True
        self._follow(task)
        self._event(exec_, f"exec_start: {' '.join(exec_.command)}")
        try:
            pid = await self._launcher.add_process(
                exec_.container, exec_.id, config, size=size, attachment=attachment, client=theirs
            )
        except StartError as error:
            self._ended(exec_, error.code)
            if ours:
                ours.close()
            raise
        if exec_.running:
            exec_.pid = pid
        return ours

    async def resize(self, identifier: str, rows: int, columns: int) -> None:
        exec_ = self.inspect(identifier)
        if not exec_.running or exec_.container.task is None:
            raise ExecNotRunning(identifier)
        await exec_.container.task.resize(rows, columns, identifier)

    def forget(self, container: Container) -> None:
        """The container is gone."""
        for exec_ in [e for e in self._execs.values() if e.container is container]:
            del self._execs[exec_.id]

    def container_ended(self, container: Container) -> None:
        """Its processes have died with it."""
        for exec_ in self._execs.values():
            if exec_.container is container and exec_.running:
                self._ended(exec_, 137)

    def _follow(self, task: Task) -> None:
        def ended(identifier: str, code: int) -> None:
            exec_ = self._execs.get(identifier)
            if exec_ and exec_.running:
                self._ended(exec_, code)

        task.on_exec_exit = ended

    def _ended(self, exec_: Exec, code: int) -> None:
        exec_.running = False
        exec_.exit_code = code
        exec_.pid = 0
        exec_.ended_at = self._clock()
        self._event(exec_, "exec_die", exitCode=str(code))

    def _event(self, exec_: Exec, action: str, **attributes: str) -> None:
        self._publish.container(exec_.container.record, action, execID=exec_.id, **attributes)

    def _forget_old(self) -> None:
        limit = self._clock() - _KEPT_SECONDS
        for exec_ in [e for e in self._execs.values() if e.exit_code is not None and e.ended_at < limit]:
            del self._execs[exec_.id]


def _require_running(container: Container) -> None:
    if container.state.phase is Phase.PAUSED:
        raise ContainerPaused(container.record.id)
    if container.state.phase not in (Phase.RUNNING, Phase.STOPPING) or container.task is None:
        raise NotRunning(container.record.id)
