"""`docker save`: images as an archive that is a layout of OCI and of Docker at once.

    blobs/sha256/<hex>    layers as they came, configs, manifests
    index.json oci-layout        for readers of OCI layouts
    manifest.json repositories   for Docker
"""

from __future__ import annotations

import json
from typing import Any, BinaryIO

import msgspec

from wherry.images.image import Image
from wherry.images.records import Records
from wherry.oci import descriptor
from wherry.oci import reference as references
from wherry.oci.descriptor import Descriptor
from wherry.oci.digest import Digest, encoded
from wherry.oci.reference import Reference
from wherry.snapshots.tar import Entry, Writer
from wherry.snapshots.tar.entry import DIRECTORY, FILE

_CHUNK = 1 << 20


class Saver:
    def __init__(self, records: Records) -> None:
        self._records = records

    def save(self, asked: list[str], out: BinaryIO) -> None:
        """Write the images; NoSuchImage before anything is written."""
        chosen: dict[Digest, tuple[Image, list[Reference]]] = {}
        for text in asked:
            for image, name in self._find(text):
                _, names = chosen.setdefault(image.id, (image, []))
                if name and name not in names:
                    names.append(name)
        blobs = [digest for image, _ in chosen.values() for digest in _blobs(image)]
        with self._records.leases.hold(*blobs), Writer(out) as archive:
            for directory in ("blobs", "blobs/sha256"):
                archive.add(Entry(directory, DIRECTORY, mode=0o755))
            for digest in dict.fromkeys(blobs):
                self._add_blob(archive, digest)
            documents = _documents(list(chosen.values()), self._records)
            for member, document in documents.items():
                content = json.dumps(document, separators=(",", ":")).encode()
                archive.add(Entry(member, FILE, size=len(content)), [content])

    def _find(self, text: str) -> list[tuple[Image, Reference | None]]:
        """The images that a name means: without a tag all of its repository, an id without a name."""
        asked = references.parse_any(text)
        if isinstance(asked, Reference) and not asked.tag and not asked.digest:
            found = self._records.in_repository(asked.name)
            if found:
                return [(image, name) for name, image in found]
        image = self._records.resolve(text)
        named = isinstance(asked, Reference) and asked.with_default_tag().familiar in image.references
        return [(image, asked.with_default_tag() if named and isinstance(asked, Reference) else None)]

    def _add_blob(self, archive: Writer, digest: Digest) -> None:
        size = self._records.store.size(digest)
        with self._records.store.open(digest) as file:
            chunks = iter(lambda: file.read(_CHUNK), b"")
            archive.add(Entry(f"blobs/sha256/{encoded(digest)}", FILE, size=size), chunks)


def _blobs(image: Image) -> list[Digest]:
    return [*(layer.digest for layer in image.manifest.layers), image.id, image.manifest_digest]


def _path(digest: Digest) -> str:
    return f"blobs/sha256/{encoded(digest)}"


def _documents(chosen: list[tuple[Image, list[Reference]]], records: Records) -> dict[str, Any]:
    index, listed = [], []
    repositories: dict[str, dict[str, str]] = {}
    for image, names in chosen:
        media_type = image.manifest.media_type or descriptor.OCI_MANIFEST
        size = records.store.size(image.manifest_digest)
        entry = Descriptor(media_type, image.manifest_digest, size)
        if not names:
            index.append(msgspec.to_builtins(entry))
        for name in names:
            annotations = {descriptor.IMAGE_NAME: str(name), descriptor.REF_NAME: name.tag or ""}
            index.append(msgspec.to_builtins(msgspec.structs.replace(entry, annotations=annotations)))
            top = image.manifest.layers[-1].digest if image.manifest.layers else image.id
            repositories.setdefault(name.familiar_name, {})[name.tag or ""] = encoded(top)
        listed.append(
            {
                "Config": _path(image.id),
                "RepoTags": [name.familiar for name in names] or None,
                "Layers": [_path(layer.digest) for layer in image.manifest.layers],
            }
        )
    documents: dict[str, Any] = {
        "index.json": {"schemaVersion": 2, "mediaType": descriptor.OCI_INDEX, "manifests": index},
        "manifest.json": listed,
        "oci-layout": {"imageLayoutVersion": "1.0.0"},
    }
    if repositories:
        documents["repositories"] = repositories
    return documents
