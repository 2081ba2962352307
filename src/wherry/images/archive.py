"""Reading an archive of images in one pass, without knowing what it is before the end.

Knows members and where their bytes go. Must not know what the documents say. Every file becomes a blob, held by a lease: so
members may come in any order, a layer is written once, and nothing is extracted by its name.
"""

from __future__ import annotations

import posixpath
import secrets
from typing import BinaryIO

import msgspec

from wherry import errors
from wherry.content.leases import Lease
from wherry.content.store import DigestMismatch, Store
from wherry.oci import digest as digests
from wherry.oci.digest import Digest
from wherry.snapshots.compression import Decompressed
from wherry.snapshots.tar import HostileArchive, Reader
from wherry.snapshots.tar.entry import FILE, LINK, SYMLINK, Entry

_BLOBS = "blobs/sha256/"
_LARGEST_DOCUMENT = 8 << 20
_MOST_MEMBERS = 100_000


class InvalidArchive(errors.InvalidArgument):
    def __init__(self, reason: str) -> None:
        super().__init__(f"invalid archive: {reason}")


class Member(msgspec.Struct, frozen=True):
    digest: Digest
    size: int


class Archive:
    """The members of an archive by name; their bytes are in the store."""

    def __init__(self, store: Store, lease: Lease) -> None:
        self._store = store
        self._lease = lease
        self._members: dict[str, Member] = {}
        self._links: dict[str, str] = {}

    def read(self, source: BinaryIO) -> None:
        """Take in the whole archive, which may be compressed. InvalidArchive, HostileArchive, DigestMismatch and others."""
        run = secrets.token_hex(8)
        reader = Reader(Decompressed(source))
        for number, entry in enumerate(reader):
            if number > _MOST_MEMBERS:
                raise InvalidArchive(f"it has more than {_MOST_MEMBERS} members")
            name = _name(entry)
            if entry.kind == FILE:
                self._members[name] = self._keep(reader, name, f"load-{run}-{number}")
            elif entry.kind == SYMLINK:
                self._links[name] = posixpath.normpath(posixpath.join(posixpath.dirname(name), entry.target))
            elif entry.kind == LINK:
                self._links[name] = posixpath.normpath(entry.target)

    def _keep(self, reader: Reader, name: str, ref: str) -> Member:
        expected = None
        if name.startswith(_BLOBS):
            try:
                expected = digests.parse("sha256:" + name.removeprefix(_BLOBS))
            except digests.InvalidDigest:
                raise InvalidArchive(f"{name} is not named after a digest") from None
        size = 0
        try:
            with self._store.ingest(ref, lease=self._lease) as writer:
                for chunk in reader.chunks():
                    writer.write(chunk)
                    size += len(chunk)
                return Member(writer.commit(expected), size)
        except DigestMismatch as error:
            raise InvalidArchive(f"member {name}: {error.message}") from error
        finally:
            self._store.abandon(ref)

    def __contains__(self, name: str) -> bool:
        return self._resolve(name) in self._members

    def _resolve(self, name: str) -> str:
        seen: set[str] = set()
        while name in self._links and name not in seen:
            seen.add(name)
            name = self._links[name]
        return name

    def find(self, name: str) -> Member:
        """The member of this name, links followed; InvalidArchive if there is none."""
        member = self._members.get(self._resolve(posixpath.normpath(name)))
        if member is None:
            raise InvalidArchive(f"it lacks {name}")
        return member

    def document(self, name: str) -> bytes:
        """The bytes of a small member."""
        member = self.find(name)
        if member.size > _LARGEST_DOCUMENT:
            raise InvalidArchive(f"{name} is larger than {_LARGEST_DOCUMENT} bytes")
        return self._store.read(member.digest)


def _name(entry: Entry) -> str:
    if entry.name.startswith("/") or ".." in entry.name.split("/"):
        raise HostileArchive(entry.name, "has a name that leaves the archive")
    return posixpath.normpath(entry.name)
