from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from wherry import errors
from wherry.content.leases import Leases
from wherry.content.store import BlobNotFound, DigestMismatch, IngestBusy, SizeMismatch, Store
from wherry.oci import digest as digests
from wherry.oci.digest import Digest

HELLO = b"hello, harbour"
HELLO_DIGEST = digests.of(HELLO)
OTHER_DIGEST = digests.of(b"something else")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "content")


def put(store: Store, data: bytes, ref: str = "r") -> Digest:
    with store.ingest(ref) as writer:
        writer.write(data)
        return writer.commit()


def files_below(root: Path) -> list[str]:
    return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())


def test_a_committed_blob_can_be_found_read_and_measured(store: Store) -> None:
    assert put(store, HELLO) == HELLO_DIGEST
    assert store.has(HELLO_DIGEST)
    assert store.read(HELLO_DIGEST) == HELLO
    assert store.size(HELLO_DIGEST) == len(HELLO)
    assert list(store.walk()) == [(HELLO_DIGEST, len(HELLO))]
    assert files_below(store.root) == [f"blobs/sha256/{digests.encoded(HELLO_DIGEST)}"]


def test_a_blob_does_not_exist_before_commit(store: Store) -> None:
    with store.ingest("r", HELLO_DIGEST) as writer:
        writer.write(HELLO)
        assert not store.has(HELLO_DIGEST)
    assert not store.has(HELLO_DIGEST)


def test_an_absent_blob_is_named_in_the_error(store: Store) -> None:
    for ask in (store.open, store.read, store.size):
        with pytest.raises(BlobNotFound, match=HELLO_DIGEST):
            ask(HELLO_DIGEST)
    store.remove(HELLO_DIGEST)


def test_a_digest_is_never_a_path(store: Store) -> None:
    with pytest.raises(errors.InvalidArgument):
        store.read(Digest("sha256:../../../etc/passwd"))


def test_a_ref_is_never_a_path(store: Store) -> None:
    put(store, HELLO, ref="../../outside/\n/x")
    assert files_below(store.root.parent) == [f"content/blobs/sha256/{digests.encoded(HELLO_DIGEST)}"]


def test_an_interrupted_ingest_goes_on_where_it_stopped(store: Store) -> None:
    with store.ingest("r", HELLO_DIGEST, len(HELLO)) as writer:
        writer.write(HELLO[:5])
    with store.ingest("r", HELLO_DIGEST, len(HELLO)) as writer:
        assert writer.offset == 5
        writer.write(HELLO[5:])
        assert writer.commit() == HELLO_DIGEST


def test_missing_bytes_are_an_error_that_can_be_made_good(store: Store) -> None:
    with store.ingest("r", HELLO_DIGEST, len(HELLO)) as writer:
        writer.write(HELLO[:5])
        with pytest.raises(SizeMismatch):
            writer.commit()
    with store.ingest("r", HELLO_DIGEST, len(HELLO)) as writer:
        assert writer.offset == 5


@pytest.mark.parametrize("where", ["ingest", "commit"])
def test_wrong_bytes_are_refused_by_both_digests_and_thrown_away(store: Store, where: str) -> None:
    at_ingest, at_commit = (OTHER_DIGEST, None) if where == "ingest" else (None, OTHER_DIGEST)
    with store.ingest("r", at_ingest) as writer:
        writer.write(HELLO)
        with pytest.raises(DigestMismatch) as caught:
            writer.commit(at_commit)
    assert OTHER_DIGEST in caught.value.message
    assert HELLO_DIGEST in caught.value.message
    assert isinstance(caught.value, errors.DataLoss)
    assert files_below(store.root) == []


def test_more_bytes_than_announced_are_refused_at_once(store: Store) -> None:
    with store.ingest("r", HELLO_DIGEST, 5) as writer, pytest.raises(SizeMismatch):
        writer.write(HELLO)
    assert files_below(store.root) == []


def test_more_left_over_bytes_than_announced_are_dropped(store: Store) -> None:
    with store.ingest("r") as writer:
        writer.write(b"x" * 100)
    with store.ingest("r", HELLO_DIGEST, len(HELLO)) as writer:
        assert writer.offset == 0
        writer.write(HELLO)
        writer.commit()
    assert store.read(HELLO_DIGEST) == HELLO


def test_one_writer_per_ref(store: Store) -> None:
    with store.ingest("r"), pytest.raises(IngestBusy), store.ingest("r"):
        pass
    with store.ingest("r"), store.ingest("another"):
        pass


def test_a_present_blob_leaves_nothing_to_write(store: Store) -> None:
    put(store, HELLO)
    with store.ingest("again", HELLO_DIGEST, len(HELLO)) as writer:
        assert writer.offset == len(HELLO)
        assert writer.commit() == HELLO_DIGEST
    assert len(files_below(store.root)) == 1


def test_a_blob_that_lost_bytes_on_disk_is_replaced(store: Store) -> None:
    put(store, HELLO)
    os.chmod(store.path(HELLO_DIGEST), 0o600)
    store.path(HELLO_DIGEST).write_bytes(b"")
    with store.ingest("again", HELLO_DIGEST, len(HELLO)) as writer:
        writer.write(HELLO)
        writer.commit()
    assert store.read(HELLO_DIGEST) == HELLO


def test_an_open_blob_can_be_read_after_its_removal(store: Store) -> None:
    put(store, HELLO)
    with store.open(HELLO_DIGEST) as file:
        store.remove(HELLO_DIGEST)
        assert file.read() == HELLO
    assert not store.has(HELLO_DIGEST)


def test_walk_ignores_what_is_no_blob(store: Store) -> None:
    (store.root / "blobs/sha256/README").write_text("not a blob")
    assert list(store.walk()) == []


def test_abandoned_bytes_are_gone(store: Store) -> None:
    with store.ingest("r") as writer:
        writer.write(HELLO)
        with pytest.raises(IngestBusy):
            store.abandon("r")
    store.abandon("r")
    store.abandon("never heard of")
    assert list((store.root / "ingest").iterdir()) == []


def test_only_ingests_that_do_not_grow_expire(store: Store) -> None:
    with store.ingest("old") as writer:
        writer.write(HELLO)
    with store.ingest("busy"):
        assert store.expire(time.time() - 60) == []
        assert store.expire(time.time() + 60) == ["old"]
    (store.root / "ingest" / "half-made").mkdir()
    assert set(store.expire(time.time() + 60)) == {"busy", ""}
    assert list((store.root / "ingest").iterdir()) == []


def test_the_blob_is_leased_before_it_exists(store: Store) -> None:
    leases = Leases()
    with leases.hold() as lease, store.ingest("r", lease=lease) as writer:
        writer.write(HELLO)
        writer.commit()
        with leases.collection() as collection:
            assert collection.held() == {HELLO_DIGEST}


def test_many_threads_with_the_same_bytes_make_one_blob(store: Store) -> None:
    data = os.urandom(200_000)
    found: list[Digest] = []

    def write(number: int) -> None:
        while True:
            try:
                found.append(put(store, data, ref=f"ref-{number % 3}"))
                return
            except IngestBusy:
                time.sleep(0.001)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [digests.of(data)] * 9
    assert store.read(digests.of(data)) == data
    assert list((store.root / "ingest").iterdir()) == []
