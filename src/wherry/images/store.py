"""All images: the use cases of the package behind one face.

Blocks; safe on any thread. Must not know containers, only who uses an image.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from wherry.content.leases import Leases
from wherry.content.store import Store
from wherry.images import filters, history, withdrawal
from wherry.images.filters import Filters
from wherry.images.history import Step, Usage
from wherry.images.image import Image, parse_target
from wherry.images.importing import Importer
from wherry.images.loading import Loader
from wherry.images.progress import Report, silent
from wherry.images.records import Addition, Name, Records, Replaced
from wherry.images.removal import Removed
from wherry.images.saving import Saver
from wherry.images.withdrawal import InUse, Pruned
from wherry.oci.digest import Digest
from wherry.oci.platform import Platform
from wherry.snapshots.snapshotter import SnapshotNotFound, Snapshotter
from wherry.snapshots.unpack import Layer as Unpacked
from wherry.snapshots.unpack import Unpacker
from wherry.state.database import Database


class Images:
    def __init__(
        self, store: Store, snapshots: Snapshotter, leases: Leases, database: Database, unpacker: Unpacker
    ) -> None:
        self._records = Records(store, snapshots, leases, database)
        self._unpacker = unpacker

    def reconcile(self) -> int:
        """Remove what a crash has left; bytes of blobs. To be called once, before anything else."""
        return self._records.reconcile()

    def resolve(self, text: str) -> Image:
        """By name, id or the beginning of an id: NoSuchImage, AmbiguousImage, InvalidReference."""
        return self._records.resolve(text)

    def list(self, given: Filters | None = None) -> list[Image]:
        """Newest first, without those that the filters leave out."""
        return filters.select(self._records.every(), given or {}, lambda text: self.resolve(text).created)

    def rootfs(self, image: Image) -> Digest | None:
        """The snapshot of the image's root, unpacked again if it has gone; None if the image has no layers."""
        if image.chain_id is None:
            return None
        try:
            self._records.snapshots.stat(image.chain_id)
        except SnapshotNotFound:
            layers = zip(image.manifest.layers, image.config.rootfs.diff_ids, strict=True)
            self._unpacker.unpack([Unpacked(blob.digest, diff_id) for blob, diff_id in layers])
        return image.chain_id

    def tag(self, source: str, target: str) -> Image:
        """Give an image one more name."""
        reference = parse_target(target)
        image = self.resolve(source)
        self._records.add([_again(image, (Name(reference, image.manifest_digest),))])
        return self.resolve(image.id)

    def remove(self, asked: str, in_use: InUse, *, force: bool = False) -> Sequence[Removed]:
        """Take a name, or an image with all its names: NoSuchImage, ImageInUse, ReferenceInUse."""
        return withdrawal.remove(self._records, asked, in_use, force=force)

    def prune(self, given: Filters, in_use: InUse) -> Pruned:
        return withdrawal.prune(self._records, given, in_use)

    def load(self, source: BinaryIO, report: Report = silent) -> Sequence[Digest]:
        return Loader(self._records, self._unpacker).load(source, report)

    def save(self, names: Sequence[str], out: BinaryIO) -> None:
        Saver(self._records).save([*names], out)

    def import_(
        self,
        source: BinaryIO,
        *,
        reference: str = "",
        changes: Sequence[str] = (),
        message: str = "",
        platform: Platform | None = None,
    ) -> Image:
        """Make an image of one layer from an archive of a root file system."""
        importer = Importer(self._records, self._unpacker)
        return importer.run(source, reference=reference, changes_=changes, message=message, wanted=platform)

    def history(self, text: str) -> Sequence[Step]:
        """How an image was made, last step first."""
        image = self.resolve(text)
        return history.steps(image, self._records.layers(image))

    def df(self) -> Usage:
        return self._records.usage()


def _again(image: Image, names: tuple[Name, ...]) -> Addition:
    return Addition(
        id=image.id, manifest_digest=image.manifest_digest, config=image.config, layers=(), names=names
    )


__all__ = ["Image", "Images", "Replaced"]
