"""Blobs on disk, found by the digest of their bytes.

Knows how bytes become a blob that is whole or absent. Must not know what a blob means (manifest, config, layer) nor
who refers to it: that is `content.gc`'s question. The digests are those of descriptor.md of the OCI image
specification, and `blobs/` is laid out as in image-layout.md, so that other tools can read it.

## The tree

    <root>/
    +- blobs/sha256/<64 hex>      one blob: complete, verified, synced. Never changes once the name exists.
    +- ingest/<id>/               one blob in the making; the writer holds a lock on this directory
       +- ref                     the ref as text, for people
       +- data                    the bytes so far

A *ref* is any text that names the source of the bytes, e.g. "layer-sha256:12ab…": whoever asks for the same ref later
goes on where the first one stopped. `<id>` is its digest, because a ref comes from outside and must never become a
path.

## The life of a blob

    with store.ingest("layer-" + expected, expected, size) as writer:
        for chunk in download(start=writer.offset):   # bytes of an earlier attempt are there already, and hashed
            writer.write(chunk)
        writer.commit()                               # verify, fsync, rename, fsync of the directory

Leaving the block without `commit` keeps the bytes for the next attempt; bytes with the wrong digest are thrown away,
since resuming from them can only fail again. If the blob is there already, the writer starts at its end and there is
nothing left to write. A commit replaces a blob of the same digest: the new bytes are verified, those on disk may have
decayed.

## Locking

The directory of an ingest is locked with flock(2) by its writer: one writer per ref, across threads and processes, and
the kernel frees the lock however the writer ends. (A lock on `data` would follow the file to its new name.) Blobs need
no lock: they appear by rename(2), and whoever has one open can read on after `remove`.

## What is not promised

A blob is verified when it is made, not when it is read: whoever must not trust the disk checks the digest while
reading. A directory without `data`, left by a crash between the renames, is harmless and goes with `expire`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from wherry import errors, faults
from wherry.oci import digest as digests
from wherry.oci.digest import Digest
from wherry.state import files

_CHUNK = 1 << 20


class BlobNotFound(errors.NotFound):
    def __init__(self, digest: Digest) -> None:
        super().__init__(f"blob {digest} is not in the content store")
        self.digest = digest


class DigestMismatch(errors.DataLoss):
    """The bytes written under `ref` are not the ones that were asked for."""

    def __init__(self, ref: str, expected: Digest, actual: Digest) -> None:
        super().__init__(f"{ref}: expected digest {expected}, got {actual}", hint="fetch the content again")
        self.ref, self.expected, self.actual = ref, expected, actual


class SizeMismatch(errors.DataLoss):
    def __init__(self, ref: str, expected: int, actual: int) -> None:
        super().__init__(f"{ref}: expected {expected} bytes, got {actual}", hint="fetch the content again")
        self.ref, self.expected, self.actual = ref, expected, actual


class IngestBusy(errors.Unavailable):
    def __init__(self, ref: str) -> None:
        super().__init__(f"{ref} is being written already", hint="wait for the other operation to end")
        self.ref = ref


class Holder(Protocol):
    """What keeps a blob from being collected while nothing refers to it yet: a `content.leases.Lease`."""

    def add(self, digest: Digest) -> None: ...


class Store:
    """The blobs below `root`, which is created. May be used from any thread, and by several processes at once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._blobs = root / "blobs" / "sha256"
        self._ingests = root / "ingest"
        for directory in (self._blobs, self._ingests):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def ingest(
        self, ref: str, expected: Digest | None = None, size: int | None = None, *, lease: Holder | None = None
    ) -> Writer:
        """Begin, or go on with, the blob that `ref` names; `expected` and `size` are checked by `commit`.

        `lease` protects the blob from the moment it exists. Raises IngestBusy if somebody else is writing `ref`.
        """
        if lease and expected:
            lease.add(expected)
        if expected and self._is_present(expected, size):
            return Writer(self, ref, expected, size, lease, None)
        return Writer(self, ref, expected, size, lease, _Place(self._ingest_path(ref), ref))

    def open(self, digest: Digest) -> BinaryIO:
        """The blob, opened for reading at its start."""
        try:
            return self.path(digest).open("rb")
        except FileNotFoundError:
            raise BlobNotFound(digest) from None

    def read(self, digest: Digest) -> bytes:
        """All bytes of a blob. For manifests and configs: ask `size` first if it might be large."""
        with self.open(digest) as file:
            return file.read()

    def path(self, digest: Digest) -> Path:
        """Where the blob is, or would be."""
        return self._blobs / digests.encoded(digests.parse(digest))

    def size(self, digest: Digest) -> int:
        try:
            return self.path(digest).stat().st_size
        except FileNotFoundError:
            raise BlobNotFound(digest) from None

    def has(self, digest: Digest) -> bool:
        return self.path(digest).exists()

    def remove(self, digest: Digest) -> None:
        """Forget a blob; nothing happens if it is absent. Whether anybody needs it is the caller's responsibility."""
        self.path(digest).unlink(missing_ok=True)

    def walk(self) -> Iterator[tuple[Digest, int]]:
        """All blobs with their sizes in bytes, in no order. Blobs that come or go meanwhile may be missed."""
        with os.scandir(self._blobs) as entries:
            for entry in entries:
                try:
                    yield digests.from_hex(entry.name), entry.stat(follow_symlinks=False).st_size
                except (digests.InvalidDigest, FileNotFoundError):
                    continue

    def abandon(self, ref: str) -> None:
        """Throw away what was written under `ref`; nothing happens if there is nothing. Raises IngestBusy."""
        self._abandon(self._ingest_path(ref), ref)

    def expire(self, before: float) -> list[str]:
        """Abandon what has not grown since `before` (seconds since 1970) and is not being written; the refs."""
        expired = []
        for directory in list(self._ingests.iterdir()):
            ref = (files.read_if_exists(directory / "ref") or b"").decode()
            if _changed(directory) < before:
                try:
                    self._abandon(directory, ref)
                except IngestBusy:
                    continue
                expired.append(ref)
        return expired

    def _abandon(self, directory: Path, ref: str) -> None:
        if directory.exists():
            place = _Place(directory, ref)
            place.remove()
            place.unlock()

    def _is_present(self, digest: Digest, size: int | None) -> bool:
        return self.has(digest) and size in (None, self.size(digest))

    def _ingest_path(self, ref: str) -> Path:
        return self._ingests / digests.encoded(digests.of(ref.encode()))


class Writer:
    """A blob in the making, from `Store.ingest`; a context manager. One thread at a time."""

    def __init__(
        self,
        store: Store,
        ref: str,
        expected: Digest | None,
        size: int | None,
        lease: Holder | None,
        place: _Place | None,
    ) -> None:
        self.ref = ref
        self.offset = 0
        self._store = store
        self._expected, self._size, self._lease = expected, size, lease
        self._hash = hashlib.sha256()
        self._place = place
        self._data: FileIO | None = None
        if place:
            try:
                self._data = place.open_data(ref)
                self._resume(self._data)
            except BaseException:
                self.close()
                raise
        elif expected:
            self.offset = store.size(expected)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append. Raises SizeMismatch, and throws all bytes away, as soon as there are more than were announced."""
        if self._data is None:
            raise errors.Internal(f"{self.ref}: written to after its end")
        if self._size is not None and self.offset + len(data) > self._size:
            self._discard()
            raise SizeMismatch(self.ref, self._size, self.offset + len(data))
        self._hash.update(data)
        _write_all(self._data.fileno(), data)
        self.offset += len(data)

    def commit(self, digest: Digest | None = None) -> Digest:
        """Make the bytes a blob and return its digest; it survives a power failure when this returns.

        Raises DigestMismatch if they are not `digest` or what `ingest` expected, SizeMismatch if some are missing.
        Missing bytes can still come in a later attempt; wrong ones are thrown away.
        """
        if self._size is not None and self.offset != self._size:
            raise SizeMismatch(self.ref, self._size, self.offset)
        if self._place is None or self._data is None:
            return self._commit_present(digest)
        actual = digests.from_hex(self._hash.hexdigest())
        for expected in (self._expected, digest):
            if expected not in (None, actual):
                self._discard()
                raise DigestMismatch(self.ref, expected, actual)
        if self._lease:
            self._lease.add(actual)
        os.fsync(self._data.fileno())
        faults.hit("ingest:before-rename")
        os.rename(self._place.path / "data", self._store.path(actual))
        faults.hit("ingest:after-rename")
        files.sync_directory(self._store.path(actual).parent)
        self._discard()
        return actual

    def close(self) -> None:
        """Let go of the ref and keep its bytes for a later attempt."""
        if self._data:
            self._data.close()
        if self._place:
            self._place.unlock()
        self._data = self._place = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _resume(self, data: FileIO) -> None:
        while chunk := data.read(_CHUNK):
            self._hash.update(chunk)
            self.offset += len(chunk)
        if self._size is not None and self.offset > self._size:
            data.truncate(0)
            data.seek(0)
            self.offset, self._hash = 0, hashlib.sha256()

    def _commit_present(self, digest: Digest | None) -> Digest:
        if self._expected is None:
            raise errors.Internal(f"{self.ref}: committed after its end")
        if digest not in (None, self._expected):
            raise DigestMismatch(self.ref, digest, self._expected)
        return self._expected

    def _discard(self) -> None:
        if self._place:
            self._place.remove()
        self.close()


class _Place:
    """The directory of an ingest, made if need be, and locked: a lock that outlives the file inside it."""

    def __init__(self, path: Path, ref: str) -> None:
        self.path = path
        while True:
            with suppress(FileExistsError):
                path.mkdir(mode=0o700)
            try:
                self._lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(self._lock), path.stat()):
                    return
            except FileNotFoundError:
                pass  # the writer before us has just finished and removed it
            except BlockingIOError:
                os.close(self._lock)
                raise IngestBusy(ref) from None
            os.close(self._lock)

    def open_data(self, ref: str) -> FileIO:
        """The bytes so far, opened at their start for reading and writing."""
        if not (self.path / "ref").exists():
            files.write_atomic(self.path / "ref", ref.encode(), sync=False)
        return FileIO(os.open(self.path / "data", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "r+")

    def remove(self) -> None:
        files.remove_tree(self.path)

    def unlock(self) -> None:
        os.close(self._lock)


def _changed(directory: Path) -> float:
    try:
        return (directory / "data").stat().st_mtime
    except FileNotFoundError:
        return directory.stat().st_mtime


def _write_all(fd: int, data: bytes | bytearray | memoryview) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
