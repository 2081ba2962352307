"""Leases: what keeps blobs alive while nothing refers to them yet.

Knows which digests are in use right now. Must not know what for.

A lease lives in memory and dies with the daemon, which is enough. What may be lost with a crash is only an unfinished
operation, and whoever repeats it finds the blobs gone or not and fetches what is missing. Nothing can go wrong in
between either: the collection at start-up runs before the daemon takes its first request. So there is no expiry time,
no row and no clean-up of leases that their owners forgot.

The rule for their users: take the lease *before* asking whether a blob is there, release it *after* the record that
refers to the blob is committed.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from wherry.oci.digest import Digest


class Leases:
    """All leases of a daemon. May be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: Counter[Digest] = Counter()
        self._kept: list[set[Digest]] = []

    def hold(self, *digests: Digest) -> Lease:
        """A lease on `digests`; more can be added to it."""
        lease = Lease(self)
        for digest in digests:
            lease.add(digest)
        return lease

    @contextmanager
    def collection(self) -> Iterator[Collection]:
        """Have every digest kept that is held at any moment from now to the end of the block.

        Not only those held at one moment: a lease that ends meanwhile may have handed its blobs to a record that the
        collection has not seen, because it looked at the records earlier.
        """
        with self._lock:
            kept = set(self._held)
            self._kept.append(kept)
        try:
            yield Collection(self._lock, kept)
        finally:
            with self._lock:
                self._kept.remove(kept)

    def _add(self, digest: Digest) -> None:
        with self._lock:
            self._held[digest] += 1
            for kept in self._kept:
                kept.add(digest)

    def _release(self, digests: set[Digest]) -> None:
        with self._lock:
            self._held.subtract(digests)
            self._held = +self._held


class Lease:
    """A context manager: its digests are protected until the end of the block."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases
        self._digests: set[Digest] = set()

    def add(self, digest: Digest) -> None:
        if digest not in self._digests:
            self._digests.add(digest)
            self._leases._add(digest)

    def release(self) -> None:
        self._leases._release(self._digests)
        self._digests = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Collection:
    """The leases as one collection sees them."""

    def __init__(self, lock: threading.Lock, kept: set[Digest]) -> None:
        self._lock = lock
        self._kept = kept

    def held(self) -> set[Digest]:
        with self._lock:
            return set(self._kept)

    def unless_held(self, digest: Digest, remove: Callable[[Digest], None]) -> bool:
        """Call `remove`, unless `digest` has been held since the collection began. Nobody can take hold meanwhile."""
        with self._lock:
            if digest in self._kept:
                return False
            remove(digest)
            return True
