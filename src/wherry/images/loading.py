"""`docker load`: images from an archive, in Docker's form (manifest.json) or as an OCI layout (index.json).

Knows both forms. All images of an archive get their names in one transaction at the end: a crash leaves all or nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec

from wherry import errors, faults
from wherry.content.leases import Lease
from wherry.images.archive import Archive, InvalidArchive
from wherry.images.image import Layer
from wherry.images.progress import Progress, Report
from wherry.images.records import Addition, Name, Records
from wherry.oci import descriptor, image_config, manifest, platform
from wherry.oci import digest as digests
from wherry.oci import reference as references
from wherry.oci.descriptor import Descriptor
from wherry.oci.digest import Digest
from wherry.oci.manifest import Index, Manifest
from wherry.oci.reference import Reference
from wherry.snapshots import compression
from wherry.snapshots.unpack import Layer as Unpacked
from wherry.snapshots.unpack import Unpacker, chain_ids

_MEDIA_TYPES = {
    compression.NONE: descriptor.OCI_LAYER,
    compression.GZIP: descriptor.OCI_LAYER_GZIP,
    compression.ZSTD: descriptor.OCI_LAYER_ZSTD,
}
_DEEPEST_INDEX = 4


class _Listed(msgspec.Struct, rename="pascal"):
    """An element of manifest.json."""

    config: str
    layers: list[str] | None = None
    repo_tags: list[str] | None = None


class _Found(msgspec.Struct, frozen=True):
    """An image of the archive: its documents and the blobs of its layers."""

    config: Digest
    manifest: Digest
    layers: tuple[Descriptor, ...]
    names: tuple[Reference, ...]


class Loader:
    def __init__(self, records: Records, unpacker: Unpacker) -> None:
        self._records = records
        self._unpacker = unpacker

    def load(self, source: BinaryIO, report: Report) -> list[Digest]:
        """Load every image of an archive; their ids."""
        with self._records.leases.hold() as lease:
            archive = Archive(self._records.store, lease)
            archive.read(source)
            found = list(self._images(archive, lease))
            if not found:
                raise InvalidArchive("it contains no image")
            additions = [self._unpack(each) for each in found]
            faults.hit("load:before-names")
            replaced = self._records.add(additions)
            faults.hit("load:after-names")
        for each in replaced:
            text = f"The image {each.reference.familiar} already exists, renaming the old one with ID {each.image} to empty string\n"
            report(Progress(stream=text))
        for addition in additions:
            for name in addition.names:
                report(Progress(stream=f"Loaded image: {name.reference.familiar}\n"))
            if not addition.names:
                report(Progress(stream=f"Loaded image ID: {addition.id}\n"))
        return [addition.id for addition in additions]

    def _images(self, archive: Archive, lease: Lease) -> Iterator[_Found]:
        if "manifest.json" in archive:
            for listed in _decode(archive, "manifest.json", list[_Listed]):
                yield self._docker_image(archive, listed, lease)
        elif "index.json" in archive:
            for entry in self._index(archive.document("index.json")).manifests:
                yield from self._layout_image(entry, _layout_names(entry), 0)
        else:
            raise InvalidArchive("does not contain a manifest.json")

    def _docker_image(self, archive: Archive, listed: _Listed, lease: Lease) -> _Found:
        config = archive.find(listed.config)
        layers = []
        for name in listed.layers or ():
            member = archive.find(name)
            layers.append(Descriptor(self._media_type(member.digest), member.digest, member.size))
        document = manifest.of_image(Descriptor(descriptor.OCI_CONFIG, config.digest, config.size), tuple(layers))
        made = put(self._records, manifest.encode(document), lease)
        names = tuple(references.parse(tag).with_default_tag() for tag in listed.repo_tags or ())
        return _Found(config.digest, made, tuple(layers), names)

    def _media_type(self, blob: Digest) -> str:
        with self._records.store.open(blob) as file:
            kind = compression.sniff(file.read(16))
        return _MEDIA_TYPES.get(kind, f"{descriptor.OCI_LAYER}+{kind}")

    def _index(self, document: bytes) -> Index:
        decoded = manifest.decode(document)
        if not isinstance(decoded, Index):
            raise InvalidArchive("index.json is not an index")
        return decoded

    def _layout_image(self, entry: Descriptor, names: tuple[Reference, ...], depth: int) -> Iterator[_Found]:
        """The image that an entry of an index stands for; of a nested index the one that serves this host."""
        if depth > _DEEPEST_INDEX:
            raise InvalidArchive("its indexes are nested too deeply")
        if not self._records.store.has(entry.digest):
            raise InvalidArchive(f"it lacks blobs/sha256/{entry.digest.removeprefix('sha256:')}")
        document = manifest.decode(self._records.read(entry.digest))
        if isinstance(document, Manifest):
            yield _Found(document.config.digest, entry.digest, document.layers, names)
            return
        for chosen in manifest.choose(document, platform.host()):
            if self._records.store.has(chosen.digest):
                yield from self._layout_image(chosen, names, depth + 1)
                return
        raise InvalidArchive(f"it has no image for {platform.host()}")

    def _unpack(self, found: _Found) -> Addition:
        config = image_config.decode(self._records.read(found.config))
        diff_ids = config.rootfs.diff_ids
        if len(diff_ids) != len(found.layers):
            raise InvalidArchive(f"image {found.config} has {len(diff_ids)} diff IDs for {len(found.layers)} layers")
        pairs = list(zip(found.layers, diff_ids, strict=True))
        self._unpacker.unpack([Unpacked(layer.digest, diff_id) for layer, diff_id in pairs])
        return Addition(
            id=found.config,
            manifest_digest=found.manifest,
            config=config,
            layers=tuple(measured(self._records, pairs)),
            names=tuple(Name(reference, found.manifest) for reference in found.names),
        )


def measured(records: Records, pairs: list[tuple[Descriptor, Digest]]) -> Iterator[Layer]:
    """Unpacked layers with their sizes."""
    stack = chain_ids([diff_id for _, diff_id in pairs])
    for (blob, diff_id), chain_id in zip(pairs, stack, strict=True):
        yield Layer(blob, diff_id, chain_id, records.snapshots.usage(chain_id).bytes)


def put(records: Records, document: bytes, lease: Lease) -> Digest:
    """Keep a document as a blob."""


    digest = digests.of(document)
    with records.store.ingest(f"document-{digest}", digest, len(document), lease=lease) as writer:
        if writer.offset < len(document):
            writer.write(document[writer.offset :])
        return writer.commit()


def _decode(archive: Archive, name: str, type_: Any) -> Any:
    try:
        return msgspec.json.decode(archive.document(name), type=type_)
    except msgspec.MsgspecError as error:
        raise InvalidArchive(f"{name}: {error}") from None


def _layout_names(entry: Descriptor) -> tuple[Reference, ...]:
    """The name in an entry's annotations; a bare tag is none."""
    annotations = entry.annotations or {}
    text = annotations.get(descriptor.IMAGE_NAME) or annotations.get(descriptor.REF_NAME, "")
    if not text or not (":" in text or "/" in text):
        return ()
    try:
        return (references.parse(text).with_default_tag(),)
    except errors.InvalidArgument:
        return ()


