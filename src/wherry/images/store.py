"""All images: the use cases of the package behind one face.

Blocks; safe on any thread. Must not know containers, only who uses an image.

    images.load(file)  import_(file)  extend(image, …)       in: all or nothing, names last
    images.resolve("busybox")  list()  history(…)  df()      ask
    with images.held(image): images.rootfs(image)            the snapshot to base a container on
    images.tag(…)  remove(…)  prune(…)                       names, and away
    images.save([…], file)                                   out
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, BinaryIO

from wherry.content.leases import Lease, Leases
from wherry.content.store import Store
from wherry.images import changes as instructions
from wherry.images import filters, history, withdrawal
from wherry.images.admission import Admission
from wherry.images.filters import Filters
from wherry.images.history import Step, Usage
from wherry.images.image import Image, parse_target
from wherry.images.loading import Loader
from wherry.images.making import Maker, Told, WriteLayer
from wherry.images.progress import Report, silent
from wherry.images.records import Records
from wherry.images.removal import Removed
from wherry.images.saving import Saver
from wherry.images.withdrawal import InUse, Pruned
from wherry.oci import chain
from wherry.oci import platform as platforms
from wherry.oci.digest import Digest
from wherry.oci.image_config import Execution
from wherry.oci.platform import Platform
from wherry.snapshots.compression import Decompressed
from wherry.snapshots.snapshotter import SnapshotNotFound, Snapshotter
from wherry.snapshots.unpack import Layer as Unpacked
from wherry.snapshots.unpack import Unpacker
from wherry.state.database import Database

if TYPE_CHECKING:
    from wherry.snapshots.compression import Sink

_NOTHING = Told()


class Images:
    def __init__(
        self, store: Store, snapshots: Snapshotter, leases: Leases, database: Database, unpacker: Unpacker
    ) -> None:
        self._records = Records(store, snapshots, leases, database)
        self._unpacker = unpacker
        admission = Admission(self._records, unpacker)
        self._loader = Loader(self._records, admission)
        self._maker = Maker(self._records, admission)
        self._saver = Saver(self._records)

    def reconcile(self) -> int:
        """Remove what a crash has left; bytes of blobs. To be called once, before anything else."""
        return self._records.reconcile()

    def resolve(self, text: str) -> Image:
        """By name, id or the beginning of an id: NoSuchImage, AmbiguousImage, InvalidReference, DamagedImage."""
        return self._records.resolve(text)

    def identify(self, text: str) -> Digest:
        """The id of the image that `resolve` would find, even if the image is damaged."""
        return self._records.identify(text)

    def list(self, given: Filters | None = None) -> list[Image]:
        """Newest first, without those that the filters leave out. Raises InvalidFilter, InvalidTime, NoSuchImage."""
        return filters.select(self._records.every(), given or {}, lambda text: self.resolve(text).created)

    def held(self, image: Image) -> Lease:
        """A context manager: in its block the image's blobs and snapshots stay, even if the image is removed."""
        blobs = (blob.digest for blob in image.manifest.layers)
        return self._records.leases.hold(*chain.chain_ids(image.config.rootfs.diff_ids), *blobs)

    def rootfs(self, image: Image) -> Digest | None:
        """The snapshot of the image's root, unpacked again if it has gone; None if the image has no layers."""
        diff_ids = image.config.rootfs.diff_ids
        try:
            for chain_id in chain.chain_ids(diff_ids):
                self._records.snapshots.stat(chain_id)
        except SnapshotNotFound:
            layers = zip(image.manifest.layers, diff_ids, strict=True)
            self._unpacker.unpack([Unpacked(blob.digest, diff_id) for blob, diff_id in layers])
        return image.chain_id

    def tag(self, source: str, target: str) -> Image:
        """Give an image one more name, which another one loses. Raises InvalidTag and what `resolve` raises."""
        return self.resolve(self._records.tag(source, parse_target(target)))

    def remove(self, asked: str, in_use: InUse, *, force: bool = False) -> Sequence[Removed]:
        """Take a name, or an image with all its names: NoSuchImage, ImageInUse, ReferenceInUse."""
        return withdrawal.remove(self._records, asked, in_use, force=force)

    def prune(self, given: Filters, in_use: InUse) -> Pruned:
        """Remove the images without a tag, or with `dangling=false` all that nobody uses. Raises InvalidFilter."""
        return withdrawal.prune(self._records, given, in_use)

    def load(self, source: BinaryIO, report: Report = silent, *, platform: Platform | None = None) -> Sequence[Digest]:
        """The ids of the images in an archive, now loaded; with a platform only those for it."""
        return self._loader.load(source, report, platform)

    def save(self, names: Sequence[str], out: BinaryIO) -> None:
        """Write images as an archive that `load` reads, and Docker, and readers of OCI layouts."""
        self._saver.save(names, out)

    def import_(
        self,
        source: BinaryIO,
        *,
        reference: str = "",
        changes: Sequence[str] = (),
        message: str = "",
        platform: Platform | None = None,
    ) -> Image:
        """Make an image of one layer from an archive of a root file system, which may be compressed."""
        execution = instructions.apply(Execution(), changes)

        def copy(sink: Sink) -> None:
            for chunk in Decompressed(source).chunks():
                sink.write(chunk)

        told = Told(comment=message or "Imported from -")
        return self._maker.make(platform or platforms.host(), copy, execution, told, reference)

    def extend(
        self, base: Image, write: WriteLayer, execution: Execution, *, told: Told = _NOTHING, reference: str = ""
    ) -> Image:
        """Make an image of another one and a layer, whose uncompressed archive `write` writes into the sink it gets."""
        return self._maker.make(base, write, execution, told, reference)

    def history(self, text: str) -> Sequence[Step]:
        """How an image was made, last step first."""
        image = self.resolve(text)
        return history.steps(image, self._records.layers(image))

    def df(self) -> Usage:
        """What all images take on disk."""
        return self._records.usage()
