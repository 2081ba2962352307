"""Writing archives: entries in, bytes out.

Knows the ustar header and the pax records for what does not fit it. Must not know where entries come from. The same
entries give the same bytes: no user names, no times but those of the entries, records in a fixed order.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from wherry.snapshots.tar.entry import BLOCK, CHARACTER, DIRECTORY, FIFO, FILE, LINK, SYMLINK, Entry
from wherry.snapshots.tar.fields import XATTR, format_number, format_pax, format_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Protocol, Self

    class Sink(Protocol):
        def write(self, data: bytes, /) -> object: ...


_HEADER = struct.Struct("100s 8s 8s 8s 12s 12s 8s c 100s 8s 32s 32s 8s 8s 155s 12x")
_SIZE = 512
_TYPES = {FILE: b"0", LINK: b"1", SYMLINK: b"2", CHARACTER: b"3", BLOCK: b"4", DIRECTORY: b"5", FIFO: b"6"}
_NOTHING = b"0" * 7 + b"\0"


class Writer:
    """A context manager: leaving the block without an error writes the end of the archive."""

    def __init__(self, sink: Sink) -> None:
        self._write = sink.write

    def add(self, entry: Entry, data: Iterable[bytes | memoryview] = ()) -> None:
        """Append an entry and its data, which must have `entry.size` bytes in all; ValueError if it has not.

        Sparse files are written whole: `segments` must be None.
        """
        if entry.segments is not None:
            raise ValueError(f"{entry.name}: sparse")
        header, records = _encode(entry)
        if records:
            body = format_pax(records)
            self._write(_encode_records(len(body)) + body + bytes(-len(body) % _SIZE))
        self._write(header)
        left = entry.size
        for chunk in data:
            left -= len(chunk)
            if left < 0:
                break
            self._write(chunk)  # type: ignore[arg-type]
        if left:
            raise ValueError(f"{entry.name}: {entry.size} bytes of data announced, {entry.size - left} given")
        if entry.size % _SIZE:
            self._write(bytes(-entry.size % _SIZE))

    def close(self) -> None:
        """Write the two zero blocks at the end of an archive."""
        self._write(bytes(2 * _SIZE))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()


def _encode(entry: Entry) -> tuple[bytes, dict[str, bytes]]:
    """The header block and the records for what it has no room for."""
    records: dict[str, bytes] = {}
    prefix, name = _split(entry.name.encode("utf-8", "surrogateescape"), records)
    target = entry.target.encode("utf-8", "surrogateescape")
    if len(target) > 100 or not target.isascii():
        records["linkpath"] = target
    numbers = {}
    for key, value, width in (("uid", entry.uid, 8), ("gid", entry.gid, 8), ("size", entry.size, 12)):
        field = format_number(value, width)
        if field is None:
            records[key] = str(value).encode()
        numbers[key] = field or bytes(width)
    seconds, fraction = divmod(entry.mtime, 1_000_000_000)
    mtime = format_number(seconds, 12)
    if mtime is None or fraction:
        records["mtime"] = format_time(entry.mtime)
    for xattr in sorted(entry.xattrs or ()):
        records[XATTR + xattr] = (entry.xattrs or {})[xattr]
    device = [format_number(number, 8) or _NOTHING for number in entry.device]
    header = _HEADER.pack(
        name,
        format_number(entry.mode & 0o7777, 8),
        numbers["uid"],
        numbers["gid"],
        numbers["size"],
        mtime or bytes(12),
        b" " * 8,
        _TYPES[entry.kind],
        target[:100],
        b"ustar\x0000",
        b"",
        b"",
        device[0],
        device[1],
        prefix,
    )
    return _with_sum(header), records


def _encode_records(size: int) -> bytes:
    fields = (
        b"PaxHeaders/0",
        b"0000644\0",
        _NOTHING,
        _NOTHING,
        format_number(size, 12),
        format_number(0, 12),
        b" " * 8,
    )
    return _with_sum(_HEADER.pack(*fields, b"x", b"", b"ustar\x0000", b"", b"", _NOTHING, _NOTHING, b""))


def _with_sum(header: bytes) -> bytes:
    return header[:148] + b"%06o\0 " % sum(header) + header[156:]


def _split(name: bytes, records: dict[str, bytes]) -> tuple[bytes, bytes]:
    """A name as prefix and rest; one that is too long or not ASCII becomes a record."""
    if name.isascii():
        if len(name) <= 100:
            return b"", name
        slash = name.rfind(b"/", 0, min(156, len(name) - 1))
        if slash > 0 and len(name) - slash - 1 <= 100:
            return name[:slash], name[slash + 1 :]
    records["path"] = name
    return b"", name[:100]
