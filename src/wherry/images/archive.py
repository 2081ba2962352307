"""Reading an archive of images in one pass, without knowing what it is before the end.

Knows members and where their bytes go. Must not know what the documents say. Every file becomes a blob, held by the
operation: so members may come in any order, a layer is written once, and nothing is extracted by its name.
"""

from __future__ import annotations

import posixpath
import secrets
from typing import BinaryIO

import msgspec

from wherry import errors
from wherry.content.store import DigestMismatch, Holder, Store
from wherry.oci import digest as digests
from wherry.oci.digest import Digest
from wherry.oci.documents import DOCUMENT_MAX
from wherry.snapshots.compression import Decompressed
from wherry.snapshots.tar import FILE, LINK, SYMLINK, Entry, HostileArchive, Reader

_BLOBS = "blobs/sha256/"
_LEGACY = frozenset({"VERSION", "json"})
"""Names of small files beside the layers of old archives, which manifest.json has made superfluous."""
_MOST_MEMBERS = 100_000
_PIECE = 1 << 20


class InvalidArchive(errors.InvalidArgument):
    def __init__(self, reason: str) -> None:
        super().__init__(f"invalid archive: {reason}")


class Member(msgspec.Struct, frozen=True):
    """A file of the archive as a blob; its size in bytes."""

    digest: Digest
    size: int


class Archive:
    """The members of an archive by name; their bytes are in the store, held by `holder`."""

    def __init__(self, store: Store, holder: Holder) -> None:
        self._store = store
        self._holder = holder
        self._run = secrets.token_hex(8)
        self._members: dict[str, Member] = {}
        self._links: dict[str, str] = {}

    def read(self, source: BinaryIO) -> None:
        """Take in the whole archive, which may be compressed.

        Raises InvalidArchive, HostileArchive, DamagedArchive, DamagedStream.
        """
        reader = Reader(Decompressed(source))
        for number, entry in enumerate(reader):
            if number >= _MOST_MEMBERS:
                raise InvalidArchive(f"it has more than {_MOST_MEMBERS} members")
            name = _name(entry)
            if entry.kind == SYMLINK:
                self._links[name] = posixpath.normpath(posixpath.join(posixpath.dirname(name), entry.target))
            elif entry.kind == LINK:
                self._links[name] = posixpath.normpath(entry.target)
            elif entry.kind == FILE and posixpath.basename(name) not in _LEGACY:
                if entry.segments is not None:
                    raise HostileArchive(entry.name, "is sparse")
                self._members[name] = self._keep(reader, name, entry.size, f"load-{self._run}-{number}")
        while source.read(_PIECE):
            pass

    def __contains__(self, name: str) -> bool:
        return self._resolve(name) in self._members

    def find(self, name: str) -> Member:
        """The member of this name, links followed; InvalidArchive if there is none."""
        member = self._members.get(self._resolve(posixpath.normpath(name)))
        if member is None:
            raise InvalidArchive(f"it lacks {name}")
        return member

    def document(self, name: str) -> bytes:
        """The bytes of a small member."""
        member = self.find(name)
        if member.size > DOCUMENT_MAX:
            raise InvalidArchive(f"{name} is larger than {DOCUMENT_MAX} bytes")
        return self._store.read(member.digest)

    def _keep(self, reader: Reader, name: str, size: int, ref: str) -> Member:
        expected = _digest_in(name)
        try:
            with self._store.ingest(ref, expected, size, lease=self._holder) as writer:
                if writer.offset < size or not size:  # else it is here already, and the reader skips it
                    for chunk in reader.chunks():
                        writer.write(chunk)
                return Member(writer.commit(), size)
        except DigestMismatch as error:
            raise InvalidArchive(f"{name} has the digest {error.actual}") from error
        finally:
            self._store.abandon(ref)

    def _resolve(self, name: str) -> str:
        seen: set[str] = set()
        while name in self._links and name not in seen:
            seen.add(name)
            name = self._links[name]
        return name


def _digest_in(name: str) -> Digest | None:
    """The digest that the bytes of a member must have, if its name says so."""
    if not name.startswith(_BLOBS):
        return None
    try:
        return digests.from_hex(name.removeprefix(_BLOBS))
    except digests.InvalidDigest:
        raise InvalidArchive(f"{name} is not named after a digest") from None


def _name(entry: Entry) -> str:
    if entry.name.startswith("/") or ".." in entry.name.split("/"):
        raise HostileArchive(entry.name, "has a name that leaves the archive")
    return posixpath.normpath(entry.name)
