"""`docker container prune`: removing what has ended, one at a time at most."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import msgspec

from wherry import errors
from wherry.aio.worker import Worker
from wherry.engine.containers import Container, Containers
from wherry.engine.lifecycle import Lifecycle
from wherry.engine.machine import Phase
from wherry.engine.records import Record
from wherry.engine.roots import Roots

_PRUNABLE = {Phase.CREATED, Phase.EXITED, Phase.DEAD}


class AlreadyPruning(errors.Conflict):
    def __init__(self) -> None:
        super().__init__("a prune operation is already running")


class Pruned(msgspec.Struct, frozen=True):
    ids: tuple[str, ...]
    space: int
    """Bytes."""


class Pruner:
    def __init__(self, containers: Containers, lifecycle: Lifecycle, roots: Roots, worker: Worker) -> None:
        self._containers = containers
        self._lifecycle = lifecycle
        self._roots = roots
        self._worker = worker
        self._busy = False

    async def run(self, match: Callable[[Record], bool]) -> Pruned:
        """Remove every container that does not run and matches. One that starts meanwhile is left."""
        if self._busy:
            raise AlreadyPruning
        self._busy = True
        try:
            ids, space = [], 0
            for container in self._containers:
                if container.state.phase in _PRUNABLE and match(container.record):
                    freed = await self._remove(container)
                    if freed is not None:
                        ids.append(container.record.id)
                        space += freed
            return Pruned(tuple(ids), space)
        finally:
            self._busy = False

    async def _remove(self, container: Container) -> int | None:
        with contextlib.suppress(errors.Conflict, errors.NotFound):
            own, _ = await self._worker.run(self._roots.usage, container.record)
            await self._lifecycle.remove(container)
            return own
        return None
