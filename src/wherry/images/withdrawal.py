"""Taking images away: one by name or ID, or all that nobody uses.

Knows the order: decide and delete the records in one transaction, then remove what that made garbage. Must not know
containers, only who uses an image. A crash in between leaves garbage for `Records.reconcile`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from wherry import errors, faults
from wherry.images import catalogue, filters
from wherry.images.filters import Filters
from wherry.images.image import Image, NoSuchImage
from wherry.images.records import Records
from wherry.images.removal import Removed, User, decide
from wherry.oci import reference as references
from wherry.oci.digest import Digest
from wherry.state.database import Connection

InUse = Callable[[Digest], Iterable[User]]
"""The containers made from the image with this ID."""


class Pruned(msgspec.Struct, frozen=True):
    """What is gone, and the bytes of the layers that went with it."""

    removed: tuple[Removed, ...]
    space: int


class _Outcome(msgspec.Struct):
    """What to answer, and the digests that may have become garbage."""

    removed: list[Removed]
    loose: set[Digest]


def remove(records: Records, asked: str, in_use: InUse, *, force: bool = False) -> list[Removed]:
    """Remove a name or an image. Raises NoSuchImage, ImageInUse, ReferenceInUse."""
    image = records.identify(asked)
    users = list(in_use(image))
    outcome = records.database.write(lambda connection: _delete(connection, image, asked, users, force))
    faults.hit("remove:after-records")
    records.discard(outcome.loose)
    return outcome.removed


def _delete(connection: Connection, image: Digest, asked: str, users: list[User], force: bool) -> _Outcome:
    row = catalogue.find(connection, image)
    if row is None:
        raise NoSuchImage(references.parse_any(asked))
    decision = decide(image, [name.reference for name in row.names], asked, users, force=force)
    catalogue.drop_names(connection, decision.untag)
    dropped = [name for name in row.names if name.reference in decision.untag]
    removed = [Removed(untagged=reference.familiar, image=image) for reference in decision.untag]
    outcome = _Outcome(removed, {name.target for name in dropped})
    if decision.delete:
        layers = catalogue.layers(connection, image)
        catalogue.delete(connection, image)
        live = catalogue.live_chains(connection)
        chain_ids = [chain_id for chain_id, _, _ in reversed(layers)]
        gone = [] if users else [chain_id for chain_id in chain_ids if chain_id not in live]
        outcome.removed += [Removed(deleted=digest, image=image) for digest in (image, *gone)]
        outcome.loose.update((row.manifest, image, *chain_ids, *(blob for _, blob, _ in layers)))
    return outcome


def prune(records: Records, given: Filters, in_use: InUse) -> Pruned:
    """Remove the images without a tag, or with `dangling=false` all that no container uses. Raises InvalidFilter."""
    filters.check(given, filters.PRUNE)
    only_dangling = filters.flag(given, "dangling") is not False
    limit = filters.until(given)
    sizes = records.layer_sizes()
    removed: list[Removed] = []
    for image in records.every():
        if (limit is not None and image.created > limit) or (only_dangling and image.references):
            continue
        if not filters.has_labels(given, image.config.execution.labels or {}) or any(in_use(image.id)):
            continue
        for asked in _ways(image):
            try:
                removed += remove(records, asked, in_use)
            except (errors.Conflict, errors.NotFound):
                break
    space = sum(sizes[Digest(each.deleted)][0] for each in removed if each.deleted in sizes)
    return Pruned(tuple(removed), space)


def _ways(image: Image) -> list[str]:
    """How to ask for each name of an image, tags first: the last one of a repository takes its digests along."""
    tags = list(image.references)
    repositories = {tag.rpartition(":")[0] for tag in tags}
    digests = [name for name in image.repo_digests if name.partition("@")[0] not in repositories]
    return [*tags, *digests] or [image.id]
