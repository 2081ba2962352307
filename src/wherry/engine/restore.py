"""What a new daemon finds: containers that have gone on, ended or got stuck half way while there was none.

Knows how to tell from a phase on disk and the shim's word what is true, and which event says so. A phase that promises
something unfinished (starting, removing, restarting) is finished or taken back; nothing stays between.
"""

from __future__ import annotations

import logging
import time

from wherry import errors
from wherry.engine import machine
from wherry.engine.containers import Container, Containers
from wherry.engine.launch import Launcher
from wherry.engine.lifecycle import Lifecycle
from wherry.engine.machine import ALIVE, Phase
from wherry.runtime.task import Ended, RuntimeFailed, ShimGone, Task

_log = logging.getLogger(__name__)

UNKNOWN_EXIT = 255
"""Docker's exit code for a container whose end nobody saw."""


class Restore:
    def __init__(self, containers: Containers, launcher: Launcher, lifecycle: Lifecycle) -> None:
        self._containers = containers
        self._launcher = launcher
        self._lifecycle = lifecycle

    async def run(self) -> None:
        """Bring every container to a phase that is true. One that cannot be is logged and does not stop the others."""
        self._containers.load()
        tasks = {container: self._connect(container) for container in self._containers}
        await self._launcher.reconcile(container.record for container, task in tasks.items() if task)
        for container, task in tasks.items():
            try:
                await self._one(container, task)
            except (errors.WherryError, OSError):
                _log.exception("cannot restore container %s", container.record.id)

    def _connect(self, container: Container) -> Task | None:
        if container.state.phase not in ALIVE | {Phase.STARTING}:
            return None
        try:
            return self._launcher.reconnect(container.record)
        except OSError:
            return None

    async def _one(self, container: Container, task: Task | None) -> None:
        match container.state.phase:
            case Phase.STARTING:
                await self._finish_start(container, task)
            case Phase.RUNNING | Phase.PAUSED | Phase.STOPPING:
                await self._go_on(container, task)
            case Phase.REMOVING:
                await self._lifecycle.erase(container, volumes=container.record.auto_remove)
            case Phase.RESTARTING:
                self._lifecycle.start_after(container, 0)
            case Phase.EXITED | Phase.CREATED | Phase.DEAD:
                await self._at_rest(container)

    async def _at_rest(self, container: Container) -> None:
        await self._launcher.tear_down(container)
        record = container.record
        if container.state.phase is not Phase.EXITED or not container.state.started_at:
            return
        if record.auto_remove:
            await self._lifecycle.remove(container, volumes=True)
        elif record.restart_policy.after_daemon_start(
            container.state.exit_code, stop_asked=container.state.stop_asked, restarts=container.state.restart_count
        ):
            self._lifecycle.start_in_background(container)

    async def _finish_start(self, container: Container, task: Task | None) -> None:
        """The start was under way: the shim knows whether it succeeded; without a shim it has not."""
        left = self._launcher.exit_status(container.record)
        if task is not None:
            container.task = task
            state = await task.state()
            pid, at = (state.pid, time.time_ns()) if state.pid else await task.started
            self._lifecycle.follow(container, task)
            await self._lifecycle.took_over(container, machine.Started(pid, at))
        elif left is not None:
            await self._lifecycle.took_over(container, machine.Started(0, left.at))
            await self._lifecycle.ended(container, None, left)
        else:
            await self._lifecycle.took_over(
                container, machine.StartFailed(128, "the daemon ended while it started the container", time.time_ns())
            )

    async def _go_on(self, container: Container, task: Task | None) -> None:
        if task is not None:
            container.task = task
            try:
                state = await task.state()
            except (ShimGone, RuntimeFailed):
                task.close()
                container.task = task = None
            else:
                self._lifecycle.follow(container, task)
                if state.code is None:
                    _log.info("container %s goes on", container.record.id[:12])
                return
        left = self._launcher.exit_status(container.record)
        if left is None:
            await self._launcher.kill_left_behind(container.record)
        await self._lifecycle.ended(container, None, left or Ended(UNKNOWN_EXIT, time.time_ns()))
