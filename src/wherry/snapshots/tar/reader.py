"""Reading archives: bytes in, entries out, in one pass.

Knows header blocks and the extension records before them. Must not know where the bytes come from or go to. Whatever
is read is bounded: headers by `_LARGEST_HEADER`, data by the caller, who reads it in pieces or not at all.

Readers of tar disagree about broken archives, and attacks live on that. Where the formats leave a choice, this one
does as Go's archive/tar does, which is what wrote and will read most layers: links, devices and directories never have
data; global pax headers are ignored; an archive may end without its two zero blocks.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from wherry.snapshots.tar import sparse
from wherry.snapshots.tar.entry import (
    BLOCK,
    CHARACTER,
    DIRECTORY,
    FIFO,
    FILE,
    LARGEST_FILE,
    LINK,
    SYMLINK,
    DamagedArchive,
    Entry,
    HostileArchive,
)
from wherry.snapshots.tar.fields import XATTR, parse_number, parse_pax, parse_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Source(Protocol):
        """An opened file, or anything that gives up to `size` bytes, b"" at the end."""

        def read(self, size: int, /) -> bytes | memoryview: ...


_HEADER = struct.Struct("100s 8s 8s 8s 12s 12s 8s c 100s 8s 32s 32s 8s 8s 155s 12x")
_SIZE = 512
_ZEROS = bytes(_SIZE)
_PIECE = 1 << 20
_LARGEST_HEADER = 1 << 20
_KINDS = {
    b"0": FILE,
    b"\0": FILE,
    b"7": FILE,
    b"S": FILE,
    b"1": LINK,
    b"2": SYMLINK,
    b"3": CHARACTER,
    b"4": BLOCK,
    b"5": DIRECTORY,
    b"D": DIRECTORY,
    b"6": FIFO,
}


class Reader:
    """Iterate for the entries; between two entries, `read` or `chunks` give the data of the one before."""

    def __init__(self, source: Source) -> None:
        self.offset = 0
        self._read = source.read
        self._left = 0
        self._padding = 0

    def __iter__(self) -> Iterator[Entry]:
        """Raises DamagedArchive and HostileArchive."""
        records: dict[str, bytes] = {}
        while header := self._next_header():
            kind = header[156:157]
            if kind in b"xLK":
                self._read_records(kind, header, records)
            elif kind in b"gV":
                self._set_data(_size(header, self.offset))
            else:
                yield self._entry(header, records)
                records = {}
        if records:
            raise DamagedArchive(self.offset, "end after an extended header")

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes of the current entry's data, all of them if negative; fewer only at its end, then b"".

        Of a sparse file these are its segments, without the holes.
        """
        wanted = self._left if size < 0 else min(size, self._left)
        parts = []
        while wanted:
            part = self.read_some(wanted)
            parts.append(part)
            wanted -= len(part)
        return b"".join(parts)

    def chunks(self) -> Iterator[bytes | memoryview]:
        """The rest of the current entry's data, in pieces of at most 1 MiB, each valid until the next."""
        while self._left:
            yield self.read_some(_PIECE)

    def read_some(self, size: int) -> bytes | memoryview:
        """As `read`, but as many bytes as can be had without copying, at most 1 MiB; none only at the end."""
        data = self._read(min(size, self._left, _PIECE))
        if not data and self._left and size:
            raise DamagedArchive(self.offset, f"end of the archive with {self._left} bytes of data missing")
        self._left -= len(data)
        self.offset += len(data)
        return data

    def _set_data(self, size: int) -> None:
        self._left = size
        self._padding = -size % _SIZE

    def _next_header(self) -> bytes | None:
        while self._left:
            self.read_some(_PIECE)
        block = self._up_to(self._padding + _SIZE)
        header = block[self._padding :]
        if len(block) == self._padding or header == _ZEROS:
            return None
        if len(header) < _SIZE:
            raise DamagedArchive(self.offset, "end of the archive within a block")
        self._padding = 0
        _check_sum(header, self.offset - _SIZE)
        return header

    def _up_to(self, size: int) -> bytes:
        """That many bytes, or what is left of the archive."""
        data = self._read(size)
        self.offset += len(data)
        while len(data) < size:
            more = self._read(size - len(data))
            if not more:
                break
            self.offset += len(more)
            data = bytes(data) + bytes(more)
        return bytes(data)

    def _read_records(self, kind: bytes, header: bytes, records: dict[str, bytes]) -> None:
        """Add the records of an extension header to those of the entry that follows."""
        size = _size(header, self.offset)
        if size > _LARGEST_HEADER:
            raise HostileArchive(_text(header[:100]), f"has a header of {size} bytes")
        self._set_data(size)
        data = self.read()
        if kind == b"x":
            parse_pax(data, records, self.offset)
        else:
            records.setdefault("path" if kind == b"L" else "linkpath", data.partition(b"\0")[0])

    def _entry(self, header: bytes, records: dict[str, bytes]) -> Entry:
        (name, mode, uid, gid, size, mtime, _, type_, target, magic, _, _, major, minor, prefix) = _HEADER.unpack(
            header
        )
        at = self.offset
        kind = _KINDS.get(type_)
        if kind is None:
            raise HostileArchive(_text(name), f"is of the unknown type {type_!r}")
        if magic == b"ustar\x0000" and prefix[0]:
            name = prefix.partition(b"\0")[0] + b"/" + name
        entry = Entry(
            _text(name),
            kind,
            mode=parse_number(mode, at) & 0o7777,
            uid=parse_number(uid, at),
            gid=parse_number(gid, at),
            size=parse_number(size, at),
            mtime=parse_number(mtime, at) * 1_000_000_000,
            target=_text(target),
        )
        if kind in (CHARACTER, BLOCK):
            entry.device = parse_number(major, at), parse_number(minor, at)
        if records:
            _apply(records, entry, at)
        if kind != FILE or (type_ == b"\0" and entry.name.endswith("/")):
            entry.kind = DIRECTORY if kind == FILE else kind
            entry.size = 0
        if not 0 <= entry.size <= LARGEST_FILE:
            raise DamagedArchive(at, "impossible size")
        self._set_data(entry.size)
        if type_ == b"S":
            sparse.read_old(header, entry, self._up_to)
        elif records and entry.kind == FILE:
            self._read_sparse(records, entry)
        return entry

    def _read_sparse(self, records: dict[str, bytes], entry: Entry) -> None:
        if records.get("GNU.sparse.major") == b"1":
            sparse.read_map(records, entry, self)
        elif "GNU.sparse.map" in records:
            sparse.read_records(records, entry, self.offset)


def _apply(records: dict[str, bytes], entry: Entry, at: int) -> None:
    """What pax and GNU records say wins over the header's fields, which are too small for it."""
    for key, value in records.items():
        if key == "path":
            entry.name = _exact_text(value)
        elif key == "linkpath":
            entry.target = _exact_text(value)
        elif key == "size":
            entry.size = parse_number(value, at, base=10)
        elif key == "uid":
            entry.uid = parse_number(value, at, base=10)
        elif key == "gid":
            entry.gid = parse_number(value, at, base=10)
        elif key == "mtime":
            entry.mtime = parse_time(value, at)
        elif key.startswith(XATTR):
            entry.xattrs = {**(entry.xattrs or {}), key[len(XATTR) :]: value}
    if "GNU.sparse.name" in records:
        entry.name = _exact_text(records["GNU.sparse.name"])


def _size(header: bytes, at: int) -> int:
    size = parse_number(header[124:136], at)
    if not 0 <= size <= LARGEST_FILE:
        raise DamagedArchive(at, "impossible size")
    return size


def _check_sum(header: bytes, at: int) -> None:
    """The sum of all bytes, its own field taken as spaces. Some old writers added them up as signed numbers."""
    found = parse_number(header[148:156], at)
    expected = sum(header) - sum(header[148:156]) + 8 * 32
    if found != expected:
        signed = expected - 256 * sum(byte > 127 for byte in header[:148] + header[156:])
        if found != signed:
            raise DamagedArchive(at, "wrong header checksum")


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _exact_text(value: bytes) -> str:
    """A name from a record, where a NUL is no terminator but an attempt to have it read in two ways."""
    if b"\0" in value:
        raise HostileArchive(_text(value), "has a NUL in its name")
    return value.decode("utf-8", "surrogateescape")
