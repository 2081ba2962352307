"""The images that are here, as values: from their records in the database and their documents in the content store.

Knows how an image is found by what people write, and how it is added and given up. Must not know archives or
registries.

Documents never change under their digest, so the ones read last are kept decoded: to resolve a name costs two queries.
Removal is two steps. The transaction that deletes the records is the decision; what it makes garbage goes afterwards,
or at the next start.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache

import msgspec

from wherry import errors
from wherry.content import gc
from wherry.content.leases import Lease, Leases
from wherry.content.store import Store
from wherry.images import catalogue, times
from wherry.images.history import ImageUsage, Usage
from wherry.images.image import AmbiguousImage, DamagedImage, Image, Layer, NoSuchImage
from wherry.oci import chain, documents, image_config, manifest
from wherry.oci import digest as digests
from wherry.oci import reference as references
from wherry.oci.digest import Digest
from wherry.oci.image_config import ImageConfig
from wherry.oci.manifest import Manifest
from wherry.oci.reference import Reference
from wherry.snapshots.snapshotter import Kind, SnapshotInUse, SnapshotNotFound, Snapshotter
from wherry.state.database import Connection, Database

_log = logging.getLogger(__name__)
_ID_PREFIX = re.compile(r"(?:sha256:)?([0-9a-f]{1,64})", re.ASCII)
_DECODED = 2048


class Name(msgspec.Struct, frozen=True):
    """A name to give; `target` is the digest of the manifest or index that it stands for."""

    reference: Reference
    target: Digest


class Addition(msgspec.Struct, frozen=True):
    """An image whose blobs are in the store and whose layers are unpacked; only the records are missing."""

    id: Digest
    manifest_digest: Digest
    config: ImageConfig
    layers: tuple[Layer, ...]
    names: tuple[Name, ...] = ()


class Replaced(msgspec.Struct, frozen=True):
    """A name that was taken from another image."""

    reference: Reference
    image: Digest


class Operation:
    """The digests of blobs and stacks that an operation works with: none of them is removed before its end."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self.digests: set[Digest] = set()

    def add(self, digest: Digest) -> None:
        """Hold on to a digest. To be called before asking whether it is there."""
        self._lease.add(digest)
        self.digests.add(digest)


class Records:
    """May be used from any thread."""

    def __init__(
        self,
        store: Store,
        snapshots: Snapshotter,
        leases: Leases,
        database: Database,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        self.store, self.snapshots, self.leases, self.database = store, snapshots, leases, database
        self.now = now
        self._documents = lru_cache(maxsize=_DECODED)(self._read_documents)

    def identify(self, text: str) -> Digest:
        """The ID of the image that `text` means, even if the image is damaged. Raises what `find` raises."""
        return self.database.read(lambda connection: self.find(connection, text)).id

    def resolve(self, text: str) -> Image:
        """The image that a name, an ID or the beginning of an ID means. Raises NoSuchImage and others, see `find`."""
        return self._image(self.database.read(lambda connection: self.find(connection, text)))

    def find(self, connection: Connection, text: str) -> catalogue.Row:
        """The record that `text` means. Raises NoSuchImage, AmbiguousImage, InvalidReference."""
        asked = references.parse_any(text)
        found = catalogue.named(connection, asked.canonical()) if isinstance(asked, Reference) else asked
        if found is None and (prefix := _ID_PREFIX.fullmatch(text)):
            candidates = catalogue.starting_with(connection, f"sha256:{prefix[1]}")
            if len(candidates) > 1:
                raise AmbiguousImage(text)
            found = candidates[0] if candidates else None
        row = catalogue.find(connection, found) if found else None
        if row is None:
            raise NoSuchImage(asked)
        return row

    def every(self) -> list[Image]:
        """All images, newest first. One whose documents are damaged is left out, with a message in the log."""
        images = []
        for row in self.database.read(catalogue.every):
            try:
                images.append(self._image(row))
            except DamagedImage as error:
                _log.error("%s", error.message)
        return images

    def in_repository(self, repository: str) -> list[tuple[Reference, Image]]:
        """The names with a tag in a repository, and their images."""
        found = self.database.read(lambda connection: catalogue.in_repository(connection, repository))
        return [(name, self.resolve(image)) for name, image in found]

    def layers(self, image: Image) -> list[Layer]:
        """The layers of an image, lowest first."""
        rows = self.database.read(lambda connection: catalogue.layers(connection, image.id))
        parts = zip(rows, image.manifest.layers, image.config.rootfs.diff_ids, strict=True)
        return [Layer(blob, diff_id, chain_id, size) for (chain_id, _, size), blob, diff_id in parts]

    def layer_sizes(self) -> dict[Digest, tuple[int, int]]:
        """For each chain ID its layer's size in bytes and the number of images that need it."""
        rows = self.database.read(catalogue.layer_use)
        return {chain_id: (size, images) for chain_id, size, images in rows}

    def usage(self) -> Usage:
        """What all images take on disk."""
        layers_size = sum(size for size, _ in self.layer_sizes().values())
        shared = self.database.read(catalogue.shared_sizes)
        return Usage(layers_size, tuple(ImageUsage(image, shared.get(image.id, 0)) for image in self.every()))

    def add(self, additions: Sequence[Addition]) -> list[Replaced]:
        """Record images and their names in one transaction; the names that others lost by it."""
        moments = [times.or_zero(addition.config.created) for addition in additions]

        def change(connection: Connection) -> list[Replaced]:
            replaced = []
            for addition, created in zip(additions, moments, strict=True):
                catalogue.add(connection, addition.id, addition.manifest_digest, created, addition.layers)
                for name in addition.names:
                    loser = catalogue.give_name(connection, name.reference, addition.id, name.target, self.now())
                    if loser:
                        replaced.append(Replaced(name.reference, loser))
            return replaced

        return self.database.write(change)

    def tag(self, source: str, target: Reference) -> Digest:
        """Give an image one more name; its ID. Raises NoSuchImage and others, see `find`."""

        def change(connection: Connection) -> Digest:
            row = self.find(connection, source)
            catalogue.give_name(connection, target, row.id, row.manifest, self.now())
            return row.id

        return self.database.write(change)

    @contextmanager
    def operation(self) -> Iterator[Operation]:
        """Add images in this block; whatever it has brought that no record needs at its end is removed."""
        with self.leases.hold() as lease:
            operation = Operation(lease)
            try:
                yield operation
            finally:
                lease.release()
                self.discard(operation.digests)

    def discard(self, digests_: Collection[Digest]) -> None:
        """Remove the snapshots and blobs of these names that no image needs, no lease holds, no container stands on."""
        with self.leases.collection() as collection:
            live_chains = self.database.read(catalogue.live_chains)
            live_blobs = self.database.read(catalogue.live_blobs)
            unneeded = {digest for digest in digests_ if digest not in live_chains}
            for info in reversed(list(self.snapshots.walk()) if unneeded else []):
                if info.kind is Kind.COMMITTED and info.name in unneeded:
                    collection.unless_held(Digest(info.name), self._remove_snapshot)
            for digest in digests_:
                if digest not in live_blobs:
                    collection.unless_held(digest, self.store.remove)

    def reconcile(self) -> int:
        """Remove what a crash left: snapshots and blobs that no record needs. The bytes of the blobs.

        To be called once, before anything else: it also ends what was being written when the daemon died.
        """
        self.store.expire(time.time())
        self.discard({Digest(info.name) for info in self.snapshots.walk() if info.kind is Kind.COMMITTED})
        collected = gc.collect(self.store, self.leases, lambda: self.database.read(catalogue.live_blobs), lambda _: ())
        return collected.bytes

    def _remove_snapshot(self, chain_id: Digest) -> None:
        with suppress(SnapshotNotFound, SnapshotInUse):
            self.snapshots.remove(chain_id)

    def _image(self, row: catalogue.Row) -> Image:
        document, config, chain_id = self._documents(row.id, row.manifest)
        tags = tuple(name.reference.familiar for name in row.names if not name.reference.digest)
        return Image(
            id=row.id,
            manifest_digest=row.manifest,
            manifest=document,
            config=config,
            chain_id=chain_id,
            size=row.size,
            created=row.created,
            tagged=max((name.tagged for name in row.names), default=0),
            references=tags,
            repo_digests=tuple(name.reference.familiar for name in row.names if name.reference.digest),
        )

    def _read_documents(self, image: Digest, manifest_digest: Digest) -> tuple[Manifest, ImageConfig, Digest | None]:
        try:
            document = manifest.decode(self.read(manifest_digest))
            config = image_config.decode(self.read(image))
        except errors.WherryError as error:
            raise DamagedImage(image, error.message) from error
        if not isinstance(document, Manifest) or len(document.layers) != len(config.rootfs.diff_ids):
            raise DamagedImage(image, f"{manifest_digest} is not its manifest")
        chain_ids = chain.chain_ids(config.rootfs.diff_ids)
        return document, config, chain_ids[-1] if chain_ids else None

    def read(self, digest: Digest) -> bytes:
        """A document from the content store, verified. Raises BlobNotFound, DataLoss; InvalidManifest for a giant."""
        size = self.store.size(digest)
        if size > documents.DOCUMENT_MAX:
            raise manifest.InvalidManifest(f"{size} bytes are more than {documents.DOCUMENT_MAX}")
        document = self.store.read(digest)
        if digests.of(document) != digest:
            raise errors.DataLoss(f"blob {digest} has changed on disk")
        return document
