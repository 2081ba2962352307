"""`docker save`: images as an archive that is an OCI layout and an archive of Docker's at once.

Knows both forms. Must not know who reads them. The blobs are those of the store, byte for byte.

    blobs/sha256/<hex>              layers, configs and manifests
    index.json  oci-layout          for readers of OCI layouts; see image-layout.md of the OCI image specification
    manifest.json  repositories     for Docker; see "Image tarball" in its API's description
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, BinaryIO

import msgspec

from wherry.images.image import Image
from wherry.images.records import Records
from wherry.oci import descriptor, manifest
from wherry.oci import reference as references
from wherry.oci.descriptor import Descriptor
from wherry.oci.digest import Digest, encoded
from wherry.oci.manifest import Index
from wherry.oci.reference import Reference
from wherry.snapshots.tar import DIRECTORY, FILE, Entry, Writer

_PIECE = 1 << 20


class _Chosen(msgspec.Struct):
    """An image to save, and the tags by which it was asked for."""

    image: Image
    names: list[Reference]

    def blobs(self) -> list[Digest]:
        layers = (layer.digest for layer in self.image.manifest.layers)
        return [*layers, self.image.id, self.image.manifest_digest]


class Saver:
    def __init__(self, records: Records) -> None:
        self._records = records

    def save(self, asked: Iterable[str], out: BinaryIO) -> None:
        """Write the images. Raises NoSuchImage and BlobNotFound, before anything is written."""
        chosen = self._choose(asked)
        blobs = dict.fromkeys(digest for each in chosen for digest in each.blobs())
        with self._records.leases.hold(*blobs):
            sizes = {digest: self._records.store.size(digest) for digest in blobs}
            with Writer(out) as archive:
                for directory in ("blobs/", "blobs/sha256/"):
                    archive.add(Entry(directory, DIRECTORY, mode=0o755))
                for digest, size in sizes.items():
                    self._add_blob(archive, digest, size)
                for name, document in _documents(chosen, sizes).items():
                    archive.add(Entry(name, FILE, size=len(document)), [document])

    def _choose(self, asked: Iterable[str]) -> list[_Chosen]:
        chosen: dict[Digest, _Chosen] = {}
        for text in asked:
            for image, name in self._find(text):
                entry = chosen.setdefault(image.id, _Chosen(image, []))
                if name and name not in entry.names:
                    entry.names.append(name)
        return list(chosen.values())

    def _find(self, text: str) -> list[tuple[Image, Reference | None]]:
        """What a name stands for: without a tag its whole repository. An ID and a digest bring no name along."""
        asked = references.parse_any(text)
        if isinstance(asked, Reference) and not asked.tag and not asked.digest:
            found = self._records.in_repository(asked.name)
            if found:
                return [(image, name) for name, image in found]
        image = self._records.resolve(text)
        named = isinstance(asked, Reference) and asked.familiar in image.references
        return [(image, asked if named and isinstance(asked, Reference) else None)]

    def _add_blob(self, archive: Writer, digest: Digest, size: int) -> None:
        with self._records.store.open(digest) as file:
            archive.add(Entry(_path(digest), FILE, size=size), iter(lambda: file.read(_PIECE), b""))


def _documents(chosen: list[_Chosen], sizes: dict[Digest, int]) -> dict[str, bytes]:
    entries: list[Descriptor] = []
    repositories: dict[str, dict[str, str]] = {}
    for each in chosen:
        image = each.image
        kind = image.manifest.media_type or descriptor.OCI_MANIFEST
        entry = Descriptor(kind, image.manifest_digest, sizes[image.manifest_digest])
        for name in each.names:
            annotations = {descriptor.IMAGE_NAME: str(name), descriptor.REF_NAME: name.tag}
            entries.append(msgspec.structs.replace(entry, annotations=annotations))
            top = image.manifest.layers[-1].digest if image.manifest.layers else image.id
            repositories.setdefault(name.familiar_name, {})[name.tag] = encoded(top)
        if not each.names:
            entries.append(entry)
    index = Index(schema_version=2, media_type=descriptor.OCI_INDEX, manifests=tuple(entries))
    return {
        "index.json": manifest.encode(index),
        "manifest.json": msgspec.json.encode([_listed(each) for each in chosen]),
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
        **({"repositories": msgspec.json.encode(repositories)} if repositories else {}),
    }


def _listed(each: _Chosen) -> dict[str, Any]:
    """An element of manifest.json."""
    layers = each.image.manifest.layers
    return {
        "Config": _path(each.image.id),
        "RepoTags": [name.familiar for name in each.names] or None,
        "Layers": [_path(layer.digest) for layer in layers],
        "LayerSources": dict(zip(each.image.config.rootfs.diff_ids, layers, strict=True)),
    }


def _path(digest: Digest) -> str:
    return f"blobs/sha256/{encoded(digest)}"
