"""Moves containers through their phases: decide, persist, do.

Every verb takes the container's turn, asks `machine.decide`, makes the new state durable, and runs the effects that
came with it; what comes of them is the next event. Long waits (for a process to obey a signal) happen outside the turn,
so that a container that will not die can still be listed, inspected and killed harder.

Knows the verbs, Docker's answers to them and the events they publish. Must not know how a container is mounted,
connected or started: that is `launch`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

import msgspec

from wherry import errors, faults
from wherry.aio.tasks import TaskSet
from wherry.engine import machine, names
from wherry.engine.containers import Container, Containers
from wherry.engine.launch import Launcher, StartError
from wherry.engine.machine import ALIVE, Phase
from wherry.engine.publish import Publisher
from wherry.engine.records import Exit, Record
from wherry.engine.top import Top
from wherry.engine.wire import text
from wherry.linux import signals
from wherry.runtime.task import Ended, RuntimeFailed, ShimGone, Task

_log = logging.getLogger(__name__)

DEFAULT_STOP_SECONDS = 10
_KILL_PATIENCE = 10.0
"""Seconds to wait for a process after SIGKILL before saying that the kernel does not end it."""


class NotRunning(errors.Conflict):
    def __init__(self, container: str) -> None:
        super().__init__(f"container {container} is not running")


class CannotKill(errors.Conflict):
    def __init__(self, reference: str, container: str) -> None:
        super().__init__(f"cannot kill container: {reference}: container {container} is not running")


class CannotStart(errors.Conflict):
    pass


class AlreadyPaused(errors.Conflict):
    def __init__(self, container: str) -> None:
        super().__init__(f"container {container} is already paused")


class NotPaused(errors.Internal):
    def __init__(self, container: str) -> None:
        super().__init__(f"Container {container} is not paused")


class StillRunning(errors.Conflict):
    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f'cannot remove container "/{name}": {reason}')


class RemovalInProgress(errors.Conflict):
    def __init__(self, container: str) -> None:
        super().__init__(f"removal of container {container} is already in progress")


class WillNotDie(errors.Internal):
    def __init__(self, container: str) -> None:
        super().__init__(
            f"tried to kill container {container}, but did not receive an exit event",
            hint="its process may be stuck in the kernel, for example on a dead network file system",
        )


class SameName(errors.InvalidArgument):
    def __init__(self) -> None:
        super().__init__("Renaming a container with the same name as its current name")


class EmptyName(errors.InvalidArgument):
    def __init__(self) -> None:
        super().__init__("Neither old nor new names may be empty")


class InvalidCondition(errors.InvalidArgument):
    def __init__(self, condition: str) -> None:
        super().__init__(f'invalid condition: "{condition}"')


class InvalidSignal(errors.InvalidArgument):
    def __init__(self, signal: str) -> None:
        super().__init__(f"Invalid signal: {signal}")


class Lifecycle:
    def __init__(self, containers: Containers, launcher: Launcher, publish: Publisher) -> None:
        self._containers = containers
        self._launcher = launcher
        self._publish = publish
        self._tasks = TaskSet()
        self._closing = False
        self.on_end: Callable[[Container], None] = lambda _container: None
        """Called when a container's process has ended, before anybody is told."""

    # Verbs

    async def start(self, container: Container) -> bool:
        """False if it was running already. StartError carries Docker's exit code and the runtime's text."""
        async with container.turn:
            match container.state.phase:
                case Phase.PAUSED:
                    raise CannotStart("cannot start a paused container, try unpause instead")
                case Phase.RUNNING | Phase.STOPPING | Phase.STARTING:
                    return False
                case Phase.REMOVING | Phase.DEAD:
                    raise CannotStart("container is marked for removal and cannot be started")
            await self._start(container, by_user=True)
        return True

    async def stop(self, container: Container, timeout: int | None = None, signal: str | None = None) -> bool:
        """False if it was not running. `timeout` in seconds, -1 for ever, None for the container's own or 10."""
        number = _signal(signal or text(container.record.config.stop_signal) or "SIGTERM")
        async with container.turn:
            if container.state.phase not in ALIVE and container.state.phase is not Phase.RESTARTING:
                return False
            end = container.next_exit()
            await self._apply(container, machine.StopAsked())
            if container.state.phase is not Phase.STOPPING:
                container.announce_exit()
                self._publish.container(container.record, "stop")
                return True
            self._publish.container(container.record, "kill", signal=str(number))
            await self._signal(container, number)
        seconds = _stop_timeout(container.record) if timeout is None else timeout
        if not await _within(end, None if seconds < 0 else seconds):
            await self._kill_hard(container, end)
        self._publish.container(container.record, "stop")
        return True

    async def restart(self, container: Container, timeout: int | None = None, signal: str | None = None) -> None:
        container.keep = True
        try:
            await self.stop(container, timeout, signal)
            await self.start(container)
        finally:
            container.keep = False
        self._publish.container(container.record, "restart")

    async def kill(self, container: Container, signal: str | None = None, reference: str = "") -> None:
        """Send a signal, SIGKILL by default. It counts as a stop unless the image wants to be stopped otherwise."""
        number = _signal(signal or "SIGKILL")
        async with container.turn:
            if container.state.phase not in ALIVE:
                raise CannotKill(reference or container.record.id, container.record.id)
            own = text(container.record.config.stop_signal)
            end = container.next_exit()
            if number == 9 or not own or number == _signal(own):
                await self._save(container, msgspec.structs.replace(container.state, stop_asked=True))
            self._publish.container(container.record, "kill", signal=str(number))
            await self._signal(container, number)
            if container.state.phase is Phase.PAUSED and number == 9:
                await self._apply(container, machine.UnpauseAsked())
        if number == 9 and not await _within(end, _KILL_PATIENCE):
            raise WillNotDie(container.record.id)

    async def pause(self, container: Container) -> None:
        async with container.turn:
            if container.state.phase is Phase.PAUSED:
                raise AlreadyPaused(container.record.id)
            if container.state.phase is not Phase.RUNNING:
                raise NotRunning(container.record.id)
            await self._apply(container, machine.PauseAsked())
            self._publish.container(container.record, "pause")

    async def unpause(self, container: Container) -> None:
        async with container.turn:
            if container.state.phase is not Phase.PAUSED:
                raise NotPaused(container.record.id)
            await self._apply(container, machine.UnpauseAsked())
            self._publish.container(container.record, "unpause")

    async def rename(self, container: Container, new_name: str) -> None:
        if not new_name.strip("/"):
            raise EmptyName
        async with container.turn:
            old = container.record.name
            if names.check(new_name) == old:
                raise SameName
            name = self._containers.reserve(container.record.id, new_name)
            try:
                await self._containers.save(container, msgspec.structs.replace(container.record, name=name))
            except BaseException:
                self._containers.release(name)
                raise
            self._publish.container(container.record, "rename", oldName=f"/{old}")

    async def resize(self, container: Container, rows: int, columns: int) -> None:
        if container.state.phase not in ALIVE or container.task is None:
            raise NotRunning(container.record.id)
        await container.task.resize(rows, columns)
        self._publish.container(container.record, "resize", height=str(rows), width=str(columns))

    async def top(self, container: Container, arguments: str) -> Top:
        """The processes of a running container, as the host's ps prints them with `arguments`."""
        if container.state.phase not in ALIVE:
            raise NotRunning(container.record.id)
        return await self._launcher.top(container.record, container.state.pid, arguments)

    async def remove(self, container: Container, *, force: bool = False, volumes: bool = False) -> None:
        """Remove a container that does not run; with `force` any. `volumes` takes its anonymous volumes along."""
        record = container.record
        if force and container.state.phase in ALIVE:
            await self._force_down(container)
        async with container.turn:
            match container.state.phase:
                case Phase.REMOVING:
                    raise RemovalInProgress(record.id)
                case Phase.RESTARTING if not force:
                    raise StillRunning(
                        record.name, "container is restarting: stop the container before removing or force remove"
                    )
                case Phase.PAUSED:
                    raise StillRunning(record.name, "container is paused and must be unpaused first")
                case Phase.RUNNING | Phase.STOPPING | Phase.STARTING:
                    raise StillRunning(
                        record.name, "container is running: stop the container before removing or force remove"
                    )
            await self._remove(container, volumes=volumes)

    def wait(self, container: Container, condition: str) -> asyncio.Future[Exit]:
        """Registers at once; the future resolves to the exit. `condition`: not-running, next-exit or removed."""
        match condition or "not-running":
            case "next-exit":
                return container.next_exit()
            case "removed":
                return container.removal()
            case "not-running":
                if container.state.phase in ALIVE | {Phase.STARTING, Phase.RESTARTING}:
                    return container.next_exit()
                done: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
                done.set_result(Exit(container.state.exit_code, container.state.error))
                return done
        raise InvalidCondition(condition)

    # Phases

    async def _start(self, container: Container, *, by_user: bool) -> None:
        container.cancel_timer()
        await self._apply(container, machine.StartAsked(by_user))
        faults.hit("start:after-decide")
        try:
            pid, at = await self._launcher.launch(container)
        except StartError as error:
            await self._start_failed(container, error)
            raise
        except Exception as error:
            await self._start_failed(container, StartError(128, str(error)))
            raise
        assert container.task is not None
        self.follow(container, container.task)
        await self._apply(container, machine.Started(pid, at))
        faults.hit("start:after-started")
        self._publish.container(container.record, "start")

    async def _start_failed(self, container: Container, error: StartError) -> None:
        container.drop_early()
        await self._apply(container, machine.StartFailed(error.code, error.message, time.time_ns()))
        container.announce_exit()
        if container.record.auto_remove and container.state.phase is Phase.EXITED:
            await self._remove(container, volumes=True)

    def follow(self, container: Container, task: Task) -> None:
        """Let what the shim tells move the container."""
        told = False

        def exited(ended: Ended) -> None:
            nonlocal told
            told = True
            self._tasks.spawn(self.ended(container, task, ended), f"end of {container.record.id[:12]}")

        def lost(_gone: asyncio.Future[None]) -> None:
            if not told and not self._closing:
                self._tasks.spawn(self._lost(container, task), f"loss of {container.record.id[:12]}")

        task.on_exit = exited
        task.gone.add_done_callback(lost)

    async def ended(self, container: Container, task: Task | None, ended: Ended) -> None:
        """The container's process has ended: record it, give back what it held, restart or remove as asked."""
        async with container.turn:
            if container.task is not task or container.state.phase not in ALIVE:
                return
            record = container.record
            faults.hit("exit:before-decide")
            decided, effects = machine.decide(
                container.state, machine.Exited(ended.code, ended.at, ended.oom_killed), record.restart_policy
            )
            await self._save(container, decided)
            if ended.oom_killed:
                self._publish.container(record, "oom")
            seconds = max(0, ended.at - record.state.started_at) // 10**9
            self._publish.container(record, "die", exitCode=str(ended.code), execDuration=str(seconds))
            self.on_end(container)
            container.announce_exit()
            await self._run(container, effects)
            if container.state.phase is Phase.EXITED and record.auto_remove and not container.keep:
                await self._remove(container, volumes=True)

    async def _lost(self, container: Container, task: Task) -> None:
        """The shim died without a word. What it supervised is not ours any more: end it and say so."""
        _log.error("the shim of container %s has died", container.record.id)
        left = self._launcher.exit_status(container.record)
        if left is None:
            await self._launcher.kill_left_behind(container.record)
        await self.ended(container, task, left or Ended(255, time.time_ns()))

    async def _remove(self, container: Container, *, volumes: bool) -> None:
        container.cancel_timer()
        await self._apply(container, machine.RemoveAsked())
        await self.erase(container, volumes=volumes)

    async def erase(self, container: Container, *, volumes: bool) -> None:
        """Finish a removal, also one that a crash has interrupted."""
        faults.hit("remove:before-erase")
        container.drop_early()
        try:
            await self._launcher.erase(container, volumes=volumes)
        except (OSError, errors.WherryError) as error:
            await self._apply(container, machine.RemoveFailed(str(error)))
            raise errors.Internal(f"container {container.record.id}: {error}") from error
        faults.hit("remove:before-delete")
        await self._containers.delete(container)
        self._publish.container(container.record, "destroy")
        container.announce_removal()

    async def _force_down(self, container: Container) -> None:
        container.keep = True
        try:
            await self.kill(container)
            async with container.turn:
                pass
        except CannotKill:
            return
        finally:
            container.keep = False

    # Effects

    async def _apply(self, container: Container, event: machine.Event) -> None:
        state, effects = machine.decide(container.state, event, container.record.restart_policy)
        await self._save(container, state)
        await self._run(container, effects)

    async def _save(self, container: Container, state: machine.State) -> None:
        await self._containers.save(container, msgspec.structs.replace(container.record, state=state))

    async def _run(self, container: Container, effects: tuple[machine.Effect, ...]) -> None:
        for effect in effects:
            match effect:
                case machine.TearDown():
                    await self._launcher.tear_down(container)
                case machine.Freeze():
                    await self._launcher.freeze(container)
                case machine.Thaw():
                    await self._launcher.thaw(container)
                case machine.StartAfter(seconds):
                    self.start_after(container, seconds)
                case machine.Launch() | machine.Erase():
                    """Asked for by `_start` and `_remove`, which need what comes of them."""

    def start_after(self, container: Container, seconds: float) -> None:
        """Start again by itself, unless something else happens first."""

        def due() -> None:
            container.timer = None
            self._tasks.spawn(self._start_again(container), f"restart of {container.record.id[:12]}")

        container.timer = asyncio.get_running_loop().call_later(seconds, due)

    async def took_over(self, container: Container, event: machine.Event) -> None:
        """Record what happened to a container while there was no daemon."""
        async with container.turn:
            await self._apply(container, event)

    def start_in_background(self, container: Container) -> None:
        """Start a container with the daemon; a failure is logged, not raised."""

        async def start() -> None:
            try:
                await self.start(container)
            except errors.WherryError as error:
                _log.warning("cannot start container %s: %s", container.record.id, error)

        self._tasks.spawn(start(), f"start of {container.record.id[:12]}")

    async def _start_again(self, container: Container) -> None:
        async with container.turn:
            if container.state.phase is not Phase.RESTARTING or self._closing:
                return
            try:
                await self._start(container, by_user=False)
            except errors.WherryError as error:
                _log.warning("cannot restart container %s: %s", container.record.id, error)

    async def _signal(self, container: Container, number: int) -> None:
        """A process that has just ended is what a signal wants anyway."""
        if container.task is not None:
            try:
                await container.task.signal(number)
            except (RuntimeFailed, ShimGone):
                return

    async def _kill_hard(self, container: Container, end: asyncio.Future[Exit]) -> None:
        self._publish.container(container.record, "kill", signal="9")
        await self._signal(container, 9)
        if not await _within(end, _KILL_PATIENCE):
            raise WillNotDie(container.record.id)

    async def close(self) -> None:
        """Stop moving containers; they go on running."""
        self._closing = True
        for container in self._containers:
            container.cancel_timer()
        await self._tasks.settle()
        for container in self._containers:
            if container.task:
                container.task.close()


def _signal(text: str) -> int:
    try:
        return signals.parse(text)
    except ValueError:
        raise InvalidSignal(text) from None


def _stop_timeout(record: Record) -> int:
    seconds = record.config.stop_timeout
    return seconds if isinstance(seconds, int) else DEFAULT_STOP_SECONDS


async def _within(end: asyncio.Future[Exit], seconds: float | None) -> bool:
    done, _ = await asyncio.wait({end}, timeout=seconds)
    return bool(done)
