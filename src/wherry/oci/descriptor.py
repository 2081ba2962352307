"""Descriptors: what points from one blob to another.

Knows media types and the fields of a descriptor. Must not know where the blob is. See descriptor.md and media-types.md
of the OCI image specification, and Docker's image manifest version 2, schema 2.
"""

from __future__ import annotations

import msgspec

from wherry.oci import digest as digests
from wherry.oci.digest import Digest
from wherry.oci.platform import Platform

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
OCI_LAYER_GZIP = OCI_LAYER + "+gzip"
OCI_LAYER_ZSTD = OCI_LAYER + "+zstd"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"

MANIFESTS = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
INDEXES = frozenset({OCI_INDEX, DOCKER_INDEX})

IMAGE_NAME = "io.containerd.image.name"
"""Annotation: the normalized reference of an image in a layout."""
REF_NAME = "org.opencontainers.image.ref.name"
"""Annotation: the tag, or another name, of an image in a layout."""
REFERENCE_TYPE = "vnd.docker.reference.type"
"""Annotation: present on manifests in an index that are no image, such as attestations."""


class Descriptor(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A blob by digest, with its type and its size in bytes. InvalidDigest if the digest is none."""

    media_type: str
    digest: Digest
    size: int
    urls: tuple[str, ...] = ()
    annotations: dict[str, str] | None = None
    platform: Platform | None = None
    artifact_type: str = ""

    def __post_init__(self) -> None:
        digests.parse(self.digest)
        if self.size < 0:
            raise ValueError(f"size {self.size} of {self.digest} is negative")

    @property
    def is_index(self) -> bool:
        return self.media_type in INDEXES

    @property
    def is_manifest(self) -> bool:
        return self.media_type in MANIFESTS

    @property
    def is_image(self) -> bool:
        """Whether this entry of an index may be run: attestations and other companions may not."""
        unknown = self.platform is not None and self.platform.os == self.platform.architecture == "unknown"
        return self.is_manifest and not unknown and REFERENCE_TYPE not in (self.annotations or {})

    @property
    def is_foreign(self) -> bool:
        """Whether the blob is fetched from its `urls` and not given to registries."""
        return "nondistributable" in self.media_type or "foreign" in self.media_type
