"""Collecting blobs that nothing can reach.

Knows marking and sweeping. Must not know what refers to what: `roots` and `children` are questions to the caller. A
blob lives if it is a root, is held by a lease, or is a child of a blob that lives.

The order makes it safe beside running operations: the blobs to judge are listed first, so one that appears later is not
judged at all; leases are watched from before the roots are asked for until the last blob is swept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from wherry.content.leases import Leases
from wherry.content.store import Store
from wherry.oci.digest import Digest

Children = Callable[[Digest], Iterable[Digest]]


class Collected(msgspec.Struct, frozen=True):
    """What a collection removed, and the bytes it freed."""

    digests: tuple[Digest, ...]
    bytes: int


def reachable(roots: Iterable[Digest], children: Children) -> set[Digest]:
    """`roots` and everything they lead to."""
    found: set[Digest] = set()
    waiting = list(roots)
    while waiting:
        digest = waiting.pop()
        if digest not in found:
            found.add(digest)
            waiting.extend(children(digest))
    return found


def collect(store: Store, leases: Leases, roots: Callable[[], Iterable[Digest]], children: Children) -> Collected:
    """Remove the blobs that are out of reach. `children` is asked about roots too, even if their blobs are missing."""
    candidates = list(store.walk())
    removed: list[Digest] = []
    freed = 0
    with leases.collection() as collection:
        live = reachable([*roots(), *collection.held()], children)
        for digest, size in candidates:
            if digest not in live and collection.unless_held(digest, store.remove):
                removed.append(digest)
                freed += size
    return Collected(tuple(removed), freed)
