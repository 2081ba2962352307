"""What the removal of an image takes away, and when it is refused.

Knows Docker's rules and its texts. Must not know where images are: this is a pure function of names and users. The
rules depend on how the image was asked for. A name goes alone while others are left; an ID means the image.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from wherry import errors
from wherry.images.image import short
from wherry.oci import reference as references
from wherry.oci.digest import Digest, encoded
from wherry.oci.reference import Reference


class User(msgspec.Struct, frozen=True):
    """A container that was made from the image."""

    id: str
    running: bool


class Removed(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the answer: a familiar name, or the digest of an image or a stack of layers. One of the two is ""."""

    untagged: str = ""
    deleted: str = ""
    image: str = ""
    """The ID of the image that this line is about."""


class Decision(msgspec.Struct, frozen=True):
    """Drop these names, and then the image itself or not."""

    untag: tuple[Reference, ...]
    delete: bool


class ImageInUse(errors.Conflict):
    """The image cannot go; `forceable` tells whether `force` would help."""

    def __init__(self, image: Digest, reason: str, *, forceable: bool) -> None:
        force = "must be forced" if forceable else "cannot be forced"
        super().__init__(f"conflict: unable to delete {short(image)} ({force}) - {reason}")
        self.image, self.forceable = image, forceable


class ReferenceInUse(errors.Conflict):
    """The last name of an image with containers cannot go."""

    def __init__(self, asked: str, image: Digest, user: User) -> None:
        super().__init__(
            f'conflict: unable to remove repository reference "{asked}" (must force) - container {user.id[:12]} '
            f"is using its referenced image {short(image)}"
        )
        self.image = image


def decide(
    image: Digest, names: Sequence[Reference], asked: str, users: Sequence[User], *, force: bool = False
) -> Decision:
    """What to do when `image` with these names is to be removed as `asked`. Raises ImageInUse, ReferenceInUse."""
    if is_id_prefix(image, asked):
        referenced = len(names) > 0 and not _is_single(names)
        conflict = _conflict(image, users, referenced=referenced, force=force)
        if conflict:
            raise conflict
        return Decision(tuple(names), delete=True)
    if users and not force and _is_single(names):
        raise ReferenceInUse(asked, image, users[0])
    untag = _with_its_digests(references.parse(asked).canonical(), names)
    left = [name for name in names if name not in untag]
    in_use = _conflict(image, users, referenced=False, force=force) is not None
    return Decision(untag, delete=not left and not in_use)


def is_id_prefix(image: Digest, asked: str) -> bool:
    return image.startswith(asked) or encoded(image).startswith(asked)


def _conflict(image: Digest, users: Sequence[User], *, referenced: bool, force: bool) -> ImageInUse | None:
    for user in users:
        if user.running:
            reason = f"image is being used by running container {user.id[:12]}"
            return ImageInUse(image, reason, forceable=False)
    if force:
        return None
    if referenced:
        return ImageInUse(image, "image is referenced in multiple repositories", forceable=True)
    if users:
        return ImageInUse(image, f"image is being used by stopped container {users[0].id[:12]}", forceable=True)
    return None


def _is_single(names: Sequence[Reference]) -> bool:
    """Whether there is one repository and at most one tag."""
    tags = [name for name in names if not name.digest]
    return len(names) > 0 and len(tags) <= 1 and len({name.name for name in names}) == 1


def _with_its_digests(dropped: Reference, names: Sequence[Reference]) -> tuple[Reference, ...]:
    """The name, and with the last tag of a repository also the digests by which the repository knew the image."""
    repository = [name for name in names if name.name == dropped.name and name != dropped]
    if dropped.digest or any(not name.digest for name in repository):
        return (dropped,)
    return (dropped, *repository)
