"""An image as a value, and the errors about images.

Knows how an image is identified and what it is made of. Must not know where it is kept. The ID of an image is the
digest of its config, in lists, events and containers alike.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from wherry import errors
from wherry.oci import reference as references
from wherry.oci.descriptor import Descriptor
from wherry.oci.digest import Digest, encoded
from wherry.oci.image_config import ImageConfig
from wherry.oci.manifest import Manifest
from wherry.oci.reference import Reference


class Layer(msgspec.Struct, frozen=True):
    """A layer of an image: its blob, the digest of the tar in it, and the stack it tops. `size` in bytes, unpacked."""

    blob: Descriptor
    diff_id: Digest
    chain_id: Digest
    size: int


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """An image that is here. Times in nanoseconds since 1970 (`tagged` is 0 if it never had a name)."""

    id: Digest
    manifest_digest: Digest
    manifest: Manifest
    config: ImageConfig
    chain_id: Digest | None
    """Names the snapshot of the whole root file system; None for an image without layers."""
    size: int
    """Bytes of all layers, unpacked."""
    created: int
    tagged: int = 0
    references: tuple[str, ...] = ()
    """Familiar names with tags, sorted."""
    repo_digests: tuple[str, ...] = ()
    """Familiar names with the digests under which registries know the image, sorted."""
    parent: str = ""

    @property
    def dangling(self) -> bool:
        return not self.references

    def called(self, wanted: Callable[[str], bool]) -> Image:
        """The image with those of its names that are wanted."""
        return msgspec.structs.replace(
            self,
            references=tuple(filter(wanted, self.references)),
            repo_digests=tuple(filter(wanted, self.repo_digests)),
        )


def short(digest: Digest | str) -> str:
    """The 12 digits by which people call an image, a layer or a container."""
    return encoded(Digest(digest))[:12]


class NoSuchImage(errors.NotFound):
    def __init__(self, asked: Reference | Digest) -> None:
        name = asked.with_default_tag().familiar if isinstance(asked, Reference) else asked
        super().__init__(f"No such image: {name}")
        self.asked = asked


class AmbiguousImage(errors.InvalidArgument):
    def __init__(self, prefix: str) -> None:
        super().__init__(
            f"ambiguous reference: {prefix} is the beginning of several image IDs", hint="give more digits"
        )
        self.prefix = prefix


class DamagedImage(errors.DataLoss):
    def __init__(self, image_id: Digest, reason: str) -> None:
        super().__init__(f"image {image_id} is damaged: {reason}", hint="remove the image and load or pull it again")
        self.image_id = image_id


class InvalidTag(errors.InvalidArgument):
    """An image cannot be called that."""


def parse_target(text: str) -> Reference:
    """A name to give to an image, `latest` by default. Raises InvalidReference or InvalidTag."""
    target = references.parse(text)
    if target.digest:
        raise InvalidTag("refusing to create a tag with a digest reference")
    if target.familiar_name == "sha256":
        raise InvalidTag("refusing to create an ambiguous tag using digest algorithm as name")
    return target.with_default_tag()
