"""Images for the edge: `images.store` off the event loop, with its events, and who uses an image."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from wherry.aio import bridge
from wherry.aio.worker import Worker
from wherry.engine.containers import Containers
from wherry.engine.machine import ALIVE
from wherry.engine.publish import Publisher
from wherry.images.filters import Filters
from wherry.images.history import Step, Usage
from wherry.images.image import Image
from wherry.images.progress import Report
from wherry.images.removal import Removed, User
from wherry.images.store import Images
from wherry.images.withdrawal import Pruned
from wherry.oci import platform as platforms
from wherry.oci.digest import Digest


class ImageCases:
    def __init__(self, images: Images, containers: Containers, publish: Publisher, worker: Worker) -> None:
        self._images = images
        self._containers = containers
        self._publish = publish
        self._worker = worker

    def _users(self, image: Digest) -> list[User]:
        records = [container.record for container in self._containers]
        return [User(each.id, each.state.phase in ALIVE) for each in records if each.image_id == image]

    def resolve(self, text: str) -> Image:
        """By name, id or the beginning of an id. Two look-ups in memory-mapped tables: it does not wait."""
        return self._images.resolve(text)

    async def list(self, filters: Filters | None = None) -> Sequence[Image]:
        return await self._worker.run(self._images.list, filters)

    async def df(self) -> Usage:
        return await self._worker.run(self._images.df)

    async def history(self, text: str) -> Sequence[Step]:
        return await self._worker.run(self._images.history, text)

    async def tag(self, source: str, target: str) -> None:
        image = await self._worker.run(self._images.tag, source, target)
        self._publish.image("tag", image.id, target)

    async def remove(self, asked: str, *, force: bool = False) -> Sequence[Removed]:
        removed = await self._worker.run(self._images.remove, asked, self._users, force=force)
        self._tell(removed)
        return removed

    async def prune(self, filters: Filters) -> Pruned:
        pruned = await self._worker.run(self._images.prune, filters, self._users)
        self._tell(pruned.removed)
        return pruned

    def _tell(self, removed: Sequence[Removed]) -> None:
        for each in removed:
            if each.untagged:
                self._publish.image("untag", each.image, each.untagged)
            elif each.deleted == each.image:
                self._publish.image("delete", each.image, each.image)

    async def load(self, chunks: AsyncIterator[bytes], report: Report, platform: str = "") -> None:
        """Load an archive as it arrives."""
        wanted = platforms.parse(platform) if platform else None
        loaded = await bridge.feed(self._worker, chunks, lambda file: self._images.load(file, report, platform=wanted))
        for identifier in loaded:
            image = self._images.resolve(identifier)
            self._publish.image("load", image.id, image.references[0] if image.references else image.id)

    def save(self, names: Sequence[str]) -> AsyncIterator[bytes]:
        """The archive in pieces."""
        for name in names:
            image = self._images.resolve(name)
            self._publish.image("save", image.id, name)
        return bridge.drain(self._worker, lambda file: self._images.save(names, file))

    async def import_(
        self,
        chunks: AsyncIterator[bytes],
        *,
        reference: str = "",
        changes: Sequence[str] = (),
        message: str = "",
        platform: str = "",
    ) -> str:
        """Make an image from an archive of a root file system as it arrives; its id."""
        wanted = platforms.parse(platform) if platform else None
        image = await bridge.feed(
            self._worker,
            chunks,
            lambda file: self._images.import_(
                file, reference=reference, changes=changes, message=message, platform=wanted
            ),
        )
        self._publish.image("import", image.id, reference or image.id)
        return image.id
