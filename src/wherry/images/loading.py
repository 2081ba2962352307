"""`docker load`: images from an archive, as an OCI layout (index.json) or in Docker's form (manifest.json).

Knows both forms, and how names are written in them. Must not know what makes an image complete: that is `admission`.
All images of an archive get their names in one transaction at the end: a crash leaves all or nothing.

An archive of Docker's has both forms today. Then the layout is taken, since it keeps the manifests as they were made.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import msgspec

from wherry import errors, faults
from wherry.images.admission import Admission, Candidate, put
from wherry.images.archive import Archive, InvalidArchive, Member
from wherry.images.image import parse_target
from wherry.images.progress import Progress, Report
from wherry.images.records import Addition, Name, Operation, Records, Replaced
from wherry.oci import descriptor, documents, image_config, manifest, platform
from wherry.oci import reference as references
from wherry.oci.descriptor import Descriptor
from wherry.oci.digest import Digest, encoded
from wherry.oci.manifest import Index, Manifest
from wherry.oci.platform import Platform
from wherry.oci.reference import Reference
from wherry.snapshots import compression
from wherry.snapshots.compression import Decompressed

_MEDIA_TYPES = {
    compression.NONE: descriptor.OCI_LAYER,
    compression.GZIP: descriptor.OCI_LAYER_GZIP,
    compression.ZSTD: descriptor.OCI_LAYER_ZSTD,
}
_DEEPEST_INDEX = 4


class OtherPlatform(errors.NotFound):
    """The archive has the image, but not for the platform that was asked for."""

    def __init__(self, name: str, wanted: Platform) -> None:
        super().__init__(
            f"image with reference {name} was found but does not provide the specified platform ({wanted})"
        )


class _Listed(msgspec.Struct, rename="pascal"):
    """An element of manifest.json."""

    config: str
    layers: list[str] = []
    repo_tags: list[str] = []


class Loader:
    def __init__(self, records: Records, admission: Admission) -> None:
        self._records = records
        self._admission = admission

    def load(self, source: BinaryIO, report: Report, wanted: Platform | None = None) -> list[Digest]:
        """Load every image of an archive, or those for one platform; their IDs.

        Raises InvalidArchive, OtherPlatform and what `Archive.read` and `Admission.admit` raise.
        """
        with self._records.operation() as operation:
            archive = Archive(self._records.store, operation)
            archive.read(source)
            candidates = self._candidates(archive, operation, wanted)
            faults.hit("load:before-unpack")
            additions = self._admission.admit(candidates, operation, report)
            faults.hit("load:before-names")
            replaced = self._records.add(additions)
            faults.hit("load:after-names")
        _tell(additions, replaced, report)
        return list(dict.fromkeys(addition.id for addition in additions))

    def _candidates(self, archive: Archive, operation: Operation, wanted: Platform | None) -> list[Candidate]:
        if "oci-layout" in archive and "index.json" in archive:
            found = self._layout(archive, operation, wanted)
        elif "manifest.json" in archive:
            found = self._listed(archive, operation, wanted)
        else:
            raise InvalidArchive("does not contain a manifest.json")
        names: dict[Digest, list[Name]] = {}
        for candidate in found:
            known = names.setdefault(candidate.manifest, [])
            known.extend(name for name in candidate.names if name not in known)
        if not names:
            raise InvalidArchive("it contains no image")
        return [Candidate(digest, tuple(each)) for digest, each in names.items()]

    def _listed(self, archive: Archive, operation: Operation, wanted: Platform | None) -> Iterator[Candidate]:
        try:
            listed = documents.decode(archive.document("manifest.json"), list[_Listed])
        except documents.Malformed as error:
            raise InvalidArchive(f"manifest.json: {error}") from None
        for image in listed:
            config = archive.find(image.config)
            layers = tuple(self._layer(archive.find(name), operation) for name in image.layers)
            made = manifest.of_image(Descriptor(descriptor.OCI_CONFIG, config.digest, config.size), layers)
            if wanted:
                self._require_platform(made, image.repo_tags[0] if image.repo_tags else config.digest, wanted)
            digest = put(self._records, manifest.encode(made), operation)
            yield Candidate(digest, tuple(Name(parse_target(tag), digest) for tag in image.repo_tags))

    def _layer(self, member: Member, operation: Operation) -> Descriptor:
        """A layer of manifest.json as it is, unless no media type stands for its compression."""
        with self._records.store.open(member.digest) as file:
            kind = compression.sniff(file.read(compression.MAGIC_LENGTH))
            if kind in _MEDIA_TYPES:
                return Descriptor(_MEDIA_TYPES[kind], member.digest, member.size)
            file.seek(0)
            with self._records.store.ingest(f"plain-{secrets.token_hex(8)}", lease=operation) as writer:
                for chunk in Decompressed(file).chunks():
                    writer.write(chunk)
                size = writer.offset
                return Descriptor(descriptor.OCI_LAYER, writer.commit(), size)

    def _layout(self, archive: Archive, operation: Operation, wanted: Platform | None) -> Iterator[Candidate]:
        index = manifest.decode(archive.document("index.json"))
        if not isinstance(index, Index):
            raise InvalidArchive("index.json is not an index")
        for entry in index.manifests:
            if not (entry.is_index or entry.is_image):
                continue
            chosen = self._choose(entry, operation, wanted, 0)
            if chosen:
                yield Candidate(chosen, tuple(Name(name, _target(name, chosen)) for name in layout_names(entry)))
            else:
                raise OtherPlatform(_title(entry), wanted or platform.host())

    def _choose(self, entry: Descriptor, operation: Operation, wanted: Platform | None, depth: int) -> Digest | None:
        """The manifest that an entry stands for: of an index the best one that is here, None if none will do."""
        if depth > _DEEPEST_INDEX:
            raise InvalidArchive("its indexes are nested too deeply")
        operation.add(entry.digest)
        if not self._records.store.has(entry.digest):
            if depth:
                return None
            raise InvalidArchive(f"it lacks blobs/sha256/{encoded(entry.digest)}")
        document = manifest.decode(self._records.read(entry.digest))
        if isinstance(document, Manifest):
            return entry.digest if wanted is None or self._is_for(document, wanted) else None
        entries = list(manifest.choose(document, wanted or platform.host()))
        if wanted is None:
            entries += [each for each in document.manifests if each.is_image]
        for each in entries:
            found = self._choose(each, operation, wanted, depth + 1)
            if found:
                return found
        return None

    def _require_platform(self, document: Manifest, name: str, wanted: Platform) -> None:
        if not self._is_for(document, wanted):
            raise OtherPlatform(name, wanted)

    def _is_for(self, document: Manifest, wanted: Platform) -> bool:
        if not self._records.store.has(document.config.digest):
            raise InvalidArchive(f"it lacks the config {document.config.digest}")
        config = image_config.decode(self._records.read(document.config.digest))
        return platform.matches(wanted, config.platform)


def layout_names(entry: Descriptor) -> list[Reference]:
    """The name in an entry's annotations. Without a colon or a slash it is a bare tag, which names nothing."""
    annotations = entry.annotations or {}
    text = annotations.get(descriptor.IMAGE_NAME) or annotations.get(descriptor.REF_NAME, "")
    if ":" not in text and "/" not in text:
        return []
    try:
        named = references.parse(text)
        if named.digest and not named.tag:
            return [named] if named.digest == entry.digest else []
        return [parse_target(text.partition("@")[0])]
    except errors.InvalidArgument:
        return []


def _target(name: Reference, manifest_digest: Digest) -> Digest:
    return Digest(name.digest) if name.digest else manifest_digest


def _title(entry: Descriptor) -> str:
    names = layout_names(entry)
    return names[0].familiar if names else entry.digest


def _tell(additions: Sequence[Addition], replaced: Sequence[Replaced], report: Report) -> None:
    for each in replaced:
        name = each.reference.familiar
        text = f"The image {name} already exists, renaming the old one with ID {each.image} to empty string\n"
        report(Progress(stream=text))
    for addition in additions:
        for given in addition.names:
            report(Progress(stream=f"Loaded image: {given.reference.familiar}\n"))
        if not addition.names:
            report(Progress(stream=f"Loaded image ID: {addition.id}\n"))
