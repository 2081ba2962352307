"""Sparse files in archives: GNU's four ways to say where the holes are.

Knows the maps. Must not know files. See "Storing Sparse Files" in the GNU tar manual. After any of these, `entry.size`
is the length of the file, `entry.segments` its map, and the reader's data the bytes of the segments.
"""

from __future__ import annotations

from collections.abc import Callable

from wherry.snapshots.tar.entry import LARGEST_FILE, DamagedArchive, Entry, HostileArchive
from wherry.snapshots.tar.fields import parse_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.snapshots.tar.reader import Reader

_SIZE = 512
_LARGEST_MAP = 100_000


def read_old(header: bytes, entry: Entry, read: Callable[[int], bytes]) -> None:
    """Type S: four pairs in the header, then 21 in each of as many blocks as say that another one follows."""
    stored = entry.size
    fields, more = bytearray(header[386:482]), header[482]
    while more:
        block = read(_SIZE)
        if len(block) < _SIZE or len(fields) > 24 * _LARGEST_MAP:
            raise HostileArchive(entry.name, "has an endless sparse map")
        fields += block[:504]
        more = block[504]
    numbers = [parse_number(bytes(fields[start : start + 12]), 0) for start in range(0, len(fields), 12)]
    pairs = [pair for pair in zip(numbers[::2], numbers[1::2], strict=True) if pair != (0, 0)]
    _set(entry, pairs, parse_number(header[483:495], 0), stored)


def read_records(records: dict[str, bytes], entry: Entry, at: int) -> None:
    """Versions 0.0 and 0.1: the map is a record, "offset,length,…"."""
    numbers = [parse_number(text, at, 10) for text in records["GNU.sparse.map"].split(b",") if text]
    if len(numbers) % 2:
        raise DamagedArchive(at, "odd sparse map")
    size = parse_number(records.get("GNU.sparse.size", b""), at, 10)
    _set(entry, list(zip(numbers[::2], numbers[1::2], strict=True)), size, entry.size)


def read_map(records: dict[str, bytes], entry: Entry, reader: Reader) -> None:
    """Version 1.0: the map stands before the data, as decimal numbers on lines, padded to whole blocks."""
    stored = entry.size
    text = bytearray()
    lines, wanted = 0, 1
    while lines < wanted:
        block = reader.read(_SIZE)
        stored -= len(block)
        text += block
        if len(block) < _SIZE or len(text) > 42 * _LARGEST_MAP:
            raise HostileArchive(entry.name, "has an endless sparse map")
        if lines == 0 and b"\n" in block:
            wanted += 2 * parse_number(bytes(text.partition(b"\n")[0]), reader.offset, 10)
        lines += block.count(b"\n")
    numbers = [parse_number(line, reader.offset, 10) for line in bytes(text).split(b"\n")[1:wanted]]
    size = parse_number(records.get("GNU.sparse.realsize", b""), reader.offset, 10)
    _set(entry, list(zip(numbers[::2], numbers[1::2], strict=True)), size, stored)


def _set(entry: Entry, segments: list[tuple[int, int]], size: int, stored: int) -> None:
    end = 0
    for offset, length in segments:
        if length < 0 or offset < end:
            raise HostileArchive(entry.name, "has a sparse map out of order")
        end = offset + length
    if not end <= size <= LARGEST_FILE or sum(length for _, length in segments) != stored:
        raise HostileArchive(entry.name, "has a sparse map that does not fit its size")
    entry.segments, entry.size = segments, size
