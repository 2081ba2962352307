"""Volumes for the edge: `volumes.store` off the event loop, with its events."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wherry.aio.worker import Worker
from wherry.engine.publish import Publisher
from wherry.volumes.store import Volume, Volumes, usage


class VolumeCases:
    def __init__(self, volumes: Volumes, publish: Publisher, worker: Worker) -> None:
        self._volumes = volumes
        self._publish = publish
        self._worker = worker

    async def create(self, name: str, driver: str, labels: dict[str, str], options: dict[str, str]) -> Volume:
        """A new volume, or the one of this name."""
        volume, new = await self._worker.run(self._volumes.create, name, driver, labels, options)
        if new:
            self._publish.volume("create", volume.name, driver=volume.driver)
        return volume

    async def list(self) -> Sequence[Volume]:
        return await self._worker.run(self._volumes.list)

    async def inspect(self, name: str) -> Volume:
        return await self._worker.run(self._volumes.inspect, name)

    def users(self, name: str) -> int:
        """How many containers refer to it."""
        return len(self._volumes.users(name))

    async def usage(self, volume: Volume) -> int:
        """Bytes it holds."""
        return await self._worker.run(usage, volume.path)

    async def remove(self, name: str, *, force: bool = False) -> None:
        if await self._worker.run(self._volumes.remove, name, force=force):
            self._publish.volume("destroy", name, driver="local")

    async def prune(self, match: Callable[[Volume], bool]) -> tuple[Sequence[str], int]:
        """Remove unused volumes that match; their names and the bytes they held."""
        names, space = await self._worker.run(self._volumes.prune, match)
        for name in names:
            self._publish.volume("destroy", name, driver="local")
        return names, space
