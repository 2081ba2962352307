"""Manifests and indexes: documents that list the parts of an image, or the images of several platforms.

Knows their fields in OCI's and Docker's form (which differ in media types only) and which documents are dangerous.
Must not know where the parts are. A blob is kept as it came, so what these types leave out is not lost. See manifest.md
and image-index.md of the OCI image specification.
"""

from __future__ import annotations

from typing import Any

import msgspec

from wherry import errors
from wherry.oci import descriptor, documents
from wherry.oci.descriptor import Descriptor
from wherry.oci.digest import Digest
from wherry.oci.platform import Platform, rank


class InvalidManifest(errors.InvalidArgument):
    def __init__(self, reason: str) -> None:
        super().__init__(f"invalid manifest: {reason}")


class Manifest(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    """The config and the layers of one image, lowest layer first."""

    schema_version: int = 0
    media_type: str = ""
    artifact_type: str = ""
    config: Descriptor
    layers: tuple[Descriptor, ...] = ()
    subject: Descriptor | None = None
    annotations: dict[str, str] | None = None


class Index(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    """The manifests of one image for several platforms, or of several images in a layout."""

    schema_version: int = 0
    media_type: str = ""
    artifact_type: str = ""
    manifests: tuple[Descriptor, ...] = ()
    subject: Descriptor | None = None
    annotations: dict[str, str] | None = None


class _Shape(msgspec.Struct, rename="camel"):
    """The members that tell which kind of document this is."""

    schema_version: int = 0
    media_type: str = ""
    config: Any = None
    layers: Any = None
    manifests: Any = None
    fs_layers: Any = None


def decode(document: bytes) -> Manifest | Index:
    """The manifest or index in `document`.

    InvalidManifest for anything else: schema 1, and a document that is both at once, which two readers could take for
    two different images (CVE-2021-41190).
    """
    try:
        shape = documents.decode(document, _Shape)
        is_index = shape.manifests is not None
        _check(shape, is_index)
        return documents.decode(document, Index) if is_index else documents.decode(document, Manifest)
    except documents.Malformed as error:
        raise InvalidManifest(str(error)) from None


def _check(shape: _Shape, is_index: bool) -> None:
    if shape.schema_version == 1 or shape.fs_layers is not None:
        raise InvalidManifest("schema 1 is not supported")
    if shape.schema_version != 2:
        raise InvalidManifest(f"schemaVersion is {shape.schema_version}, not 2")
    if is_index and (shape.layers is not None or shape.config is not None):
        raise InvalidManifest("it has both manifests and layers or config")
    if shape.media_type in (descriptor.MANIFESTS if is_index else descriptor.INDEXES):
        raise InvalidManifest(f"its mediaType {shape.media_type} contradicts its members")


def encode(document: Manifest | Index) -> bytes:
    """The document as bytes, the same ones for equal documents."""
    return msgspec.json.encode(document)


def of_image(config: Descriptor, layers: tuple[Descriptor, ...]) -> Manifest:
    """A new OCI manifest."""
    return Manifest(schema_version=2, media_type=descriptor.OCI_MANIFEST, config=config, layers=layers)


def choose(index: Index, wanted: Platform) -> tuple[Descriptor, ...]:
    """The images in `index` that serve a platform, best first; without one, the nested indexes that might hold them.

    An entry without a platform comes last: only its config can tell.
    """
    ranked: list[tuple[int, int, Descriptor]] = []
    for position, entry in enumerate(index.manifests):
        if entry.is_index:
            ranked.append((1 << 16, position, entry))
        elif entry.is_image:
            badness = rank(wanted, entry.platform) if entry.platform else 1 << 17
            if badness is not None:
                ranked.append((badness, position, entry))
    return tuple(entry for _, _, entry in sorted(ranked, key=lambda item: item[:2]))


def config_descriptor(document: bytes, digest: Digest) -> Descriptor:
    return Descriptor(descriptor.OCI_CONFIG, digest, len(document))
