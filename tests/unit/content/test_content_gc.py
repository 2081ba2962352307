from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from wherry.content import gc
from wherry.content.leases import Leases
from wherry.content.store import Store
from wherry.oci import digest as digests
from wherry.oci.digest import Digest

NAMES = ("index", "manifest", "config", "layer", "loose")
INDEX, MANIFEST, CONFIG, LAYER, LOOSE = (digests.of(name.encode()) for name in NAMES)
TREE = {INDEX: [MANIFEST], MANIFEST: [CONFIG, LAYER, INDEX]}


def children(digest: Digest) -> Iterable[Digest]:
    return TREE.get(digest, ())


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    for name in NAMES:
        with store.ingest(name) as writer:
            writer.write(name.encode())
            writer.commit()
    return store


def left(store: Store) -> set[Digest]:
    return {digest for digest, _ in store.walk()}


def test_what_roots_lead_to_stays_even_in_a_circle(store: Store) -> None:
    collected = gc.collect(store, Leases(), lambda: [INDEX], children)
    assert collected == gc.Collected((LOOSE,), len("loose"))
    assert left(store) == {INDEX, MANIFEST, CONFIG, LAYER}


def test_a_leased_blob_stays_with_its_children_and_goes_after_the_lease(store: Store) -> None:
    leases = Leases()
    with leases.hold(MANIFEST), leases.hold(MANIFEST):
        pass
    with leases.hold(MANIFEST):
        gc.collect(store, leases, list, children)
        assert left(store) == {INDEX, MANIFEST, CONFIG, LAYER}
    gc.collect(store, leases, list, children)
    assert left(store) == set()


def test_a_lease_counts_every_holder(store: Store) -> None:
    leases = Leases()
    second = leases.hold(LOOSE)
    with leases.hold(LOOSE):
        pass
    gc.collect(store, leases, list, children)
    assert left(store) == {LOOSE}
    second.release()


def test_a_lease_that_ends_during_a_collection_still_protects(store: Store) -> None:
    leases = Leases()
    lease = leases.hold(LOOSE)

    def roots_read_before_the_record_was_written() -> list[Digest]:
        lease.release()
        return []

    gc.collect(store, leases, roots_read_before_the_record_was_written, children)
    assert left(store) == {LOOSE}


def test_a_lease_that_begins_during_a_collection_protects(store: Store) -> None:
    leases = Leases()
    held = []

    def roots() -> list[Digest]:
        held.append(leases.hold(LOOSE))
        return []

    gc.collect(store, leases, roots, children)
    assert left(store) == {LOOSE}


def test_a_blob_made_during_a_collection_is_not_judged(store: Store) -> None:
    def roots() -> list[Digest]:
        with store.ingest("late") as writer:
            writer.write(b"late")
            writer.commit()
        return []

    gc.collect(store, Leases(), roots, children)
    assert left(store) == {digests.of(b"late")}
