"""The last steps of every way in: check what has arrived, unpack its layers, make its record.

Knows what has to fit together: manifest, config, layers and platform. Must not know how the blobs arrived. Whoever
brings images (load, import, commit, pull) puts the blobs into the store under an `Operation`, admits the manifests, and
has the additions recorded before the operation ends.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import msgspec

from wherry import errors
from wherry.images.image import Layer, short
from wherry.images.progress import Progress, Report
from wherry.images.records import Addition, Name, Operation, Records
from wherry.oci import chain, image_config, manifest, platform
from wherry.oci import digest as digests
from wherry.oci.descriptor import Descriptor
from wherry.oci.digest import Digest
from wherry.oci.image_config import ImageConfig
from wherry.oci.manifest import Manifest
from wherry.snapshots.snapshotter import SnapshotNotFound
from wherry.snapshots.unpack import Layer as Unpacked
from wherry.snapshots.unpack import Unpacker, Unpacking


class Incomplete(errors.InvalidArgument):
    """Something that a manifest refers to is missing or does not fit."""

    def __init__(self, manifest_digest: Digest, reason: str) -> None:
        super().__init__(f"image with manifest {manifest_digest}: {reason}")
        self.manifest_digest = manifest_digest


class ForeignSystem(errors.InvalidArgument):
    def __init__(self, system: str) -> None:
        super().__init__(f"cannot load {system} image on {platform.host().os}")


class Candidate(msgspec.Struct, frozen=True):
    """A manifest in the store, and what its image is to be called."""

    manifest: Digest
    names: tuple[Name, ...] = ()


class _Checked(msgspec.Struct, frozen=True):
    candidate: Candidate
    document: Manifest
    config: ImageConfig
    chain_ids: tuple[Digest, ...]


class Admission:
    def __init__(self, records: Records, unpacker: Unpacker) -> None:
        self._records = records
        self._unpacker = unpacker

    def admit(self, candidates: Sequence[Candidate], operation: Operation, report: Report) -> list[Addition]:
        """Check all candidates, then unpack all their layers side by side; what is left to do is to record them.

        Raises Incomplete, ForeignSystem, InvalidManifest, InvalidImageConfig and what `Unpacker.unpack` raises.
        """
        checked = [self._check(candidate, operation) for candidate in candidates]
        running = [self._submit(each, report) for each in checked]
        for each in running:
            for unpacking, last_word in each:
                unpacking.result()
                if last_word:
                    report(last_word)
        return [self._addition(each) for each in checked]

    def _check(self, candidate: Candidate, operation: Operation) -> _Checked:
        operation.add(candidate.manifest)
        document = manifest.decode(self._records.read(candidate.manifest))
        if not isinstance(document, Manifest):
            raise Incomplete(candidate.manifest, "it is an index")
        for blob in (document.config, *document.layers):
            self._require(candidate.manifest, blob, operation)
        config = image_config.decode(self._records.read(document.config.digest))
        diff_ids = config.rootfs.diff_ids
        if len(diff_ids) != len(document.layers):
            reason = f"invalid manifest, layers length mismatch: expected {len(diff_ids)}, got {len(document.layers)}"
            raise Incomplete(candidate.manifest, reason)
        if config.os and config.os != platform.host().os:
            raise ForeignSystem(config.os)
        chain_ids = chain.chain_ids(diff_ids)
        for chain_id in chain_ids:
            operation.add(chain_id)
        return _Checked(candidate, document, config, chain_ids)

    def _require(self, manifest_digest: Digest, blob: Descriptor, operation: Operation) -> None:
        operation.add(blob.digest)
        if not self._records.store.has(blob.digest):
            raise Incomplete(manifest_digest, f"blob {blob.digest} is missing")
        if self._records.store.size(blob.digest) != blob.size:
            raise Incomplete(manifest_digest, f"blob {blob.digest} has not {blob.size} bytes")

    def _submit(self, checked: _Checked, report: Report) -> list[tuple[Unpacking, Progress | None]]:
        """Begin with the layers of one image; for each that is not here already, what to say at its end."""
        running: list[tuple[Unpacking, Progress | None]] = []
        parts = zip(checked.document.layers, checked.config.rootfs.diff_ids, checked.chain_ids, strict=True)
        for blob, diff_id, chain_id in parts:
            parent = running[-1][0] if running else None
            last_word = None
            if not self._is_unpacked(chain_id):
                last_word = Progress(status="Loading layer", id=short(diff_id), current=blob.size, total=blob.size)
                report(msgspec.structs.replace(last_word, current=0))
            running.append((self._unpacker.submit(Unpacked(blob.digest, diff_id), parent), last_word))
        return running

    def _is_unpacked(self, chain_id: Digest) -> bool:
        try:
            self._records.snapshots.stat(chain_id)
        except SnapshotNotFound:
            return False
        return True

    def _addition(self, checked: _Checked) -> Addition:
        parts = zip(checked.document.layers, checked.config.rootfs.diff_ids, checked.chain_ids, strict=True)
        return Addition(
            id=checked.document.config.digest,
            manifest_digest=checked.candidate.manifest,
            config=checked.config,
            layers=tuple(
                Layer(blob, diff_id, chain_id, self._records.snapshots.usage(chain_id).bytes)
                for blob, diff_id, chain_id in parts
            ),
            names=checked.candidate.names,
        )


def put(records: Records, document: bytes, operation: Operation) -> Digest:
    """Keep a document as a blob; its digest."""
    digest = digests.of(document)
    ref = f"document-{secrets.token_hex(8)}"
    try:
        with records.store.ingest(ref, digest, len(document), lease=operation) as writer:
            if writer.offset < len(document):  # else it is here already
                writer.write(document)
            return writer.commit()
    finally:
        records.store.abandon(ref)
