"""Reading a container's json-file log: records across rotated files, all, from a time on, or the last n lines.

Knows the format and the names of rotated files (`shim.logfile` writes both). Must not know frames, followers or
containers. Blocks; the engine reads on a worker. A record that cannot be read costs that record and is reported in its
place.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

_BLOCK = 1 << 18
_LONGEST_RECORD = 1 << 20


class LogRecord(msgspec.Struct, frozen=True):
    """One record. `log` ends in a newline unless a longer line goes on; `time` is RFC 3339 with nanoseconds."""

    log: str
    stream: str
    time: str
    attrs: dict[str, str] | None = None


class Damaged(msgspec.Struct, frozen=True):
    """Stands where a record could not be read."""

    reason: str


Entry = LogRecord | Damaged

_decoder = msgspec.json.Decoder(LogRecord)


def parse(lines: bytes) -> list[Entry]:
    """Whole lines of a log as entries. NUL bytes, which a power failure may leave, are skipped and reported."""
    try:
        return list(_decoder.decode_lines(lines))
    except msgspec.MsgspecError:
        return [entry for line in lines.split(b"\n") if (entry := _parse_one(line)) is not None]


def _parse_one(line: bytes) -> Entry | None:
    text = line.strip(b"\0 \t\r")
    if not text:
        return Damaged("a block of zero bytes") if line.strip() else None
    try:
        return _decoder.decode(text)
    except msgspec.MsgspecError as error:
        return Damaged(str(error))


def files(path: Path) -> list[Path]:
    """The rotated files and the current one, oldest first."""
    rotated = []
    for candidate in path.parent.glob(path.name + ".*"):
        number = candidate.name[len(path.name) + 1 :].removesuffix(".gz")
        if number.isdecimal():
            rotated.append((int(number), candidate))
    return [file for _, file in sorted(rotated, reverse=True)] + ([path] if path.exists() else [])


def open_log(path: Path) -> BinaryIO:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


class Reader:
    """Whole lines from one open file, in blocks; what is not yet a whole line waits for the next call.

    Nothing at or behind the offset `end` is read, if there is one.
    """

    def __init__(self, file: BinaryIO, end: int | None = None) -> None:
        self._file = file
        self._end = end
        self._rest = b""

    @property
    def inode(self) -> int:
        return os.fstat(self._file.fileno()).st_ino

    def truncated(self) -> bool:
        """The file is shorter than what has been read: it was emptied, as rotation with one file does."""
        return os.fstat(self._file.fileno()).st_size < self._file.tell()

    def rewind(self) -> None:
        self._file.seek(0)
        self._rest = b""

    def block(self) -> bytes:
        """The next whole lines, or b"" if there are none yet."""
        while data := self._file.read(self._room()):
            data = self._rest + data
            end = data.rfind(b"\n") + 1
            self._rest = data[end:]
            if end:
                return data[:end]
            if len(self._rest) > _LONGEST_RECORD:
                broken, self._rest = self._rest, b""
                return broken
        return b""

    def _room(self) -> int:
        return _BLOCK if self._end is None else max(0, min(_BLOCK, self._end - self._file.tell()))

    def close(self) -> None:
        self._file.close()


def blocks(path: Path) -> Iterator[bytes]:
    """All whole lines of one file."""
    reader = Reader(open_log(path))
    try:
        while block := reader.block():
            yield block
    finally:
        reader.close()


def tail_offset(path: Path, lines: int) -> tuple[int, int]:
    """Where the last `lines` lines of output begin in an uncompressed file, and how many lines are behind that point.

    Several records may make up one line: a record ends a line if its text ends in a newline.
    """
    if lines <= 0:
        return path.stat().st_size, 0
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        position, data, found = end, b"", 0
        while position > 0:
            step = min(_BLOCK, position)
            position -= step
            file.seek(position)
            data = file.read(step) + data
            found = _count(data)
            if found > lines:
                break
    return _skip(position, data, found, lines)


_LINE_END = rb'\n","stream":'


def _count(data: bytes) -> int:
    """Lines that begin in `data`, the unfinished last one included."""
    records = data.split(b"\n")
    finished = sum(1 for record in records if _LINE_END in record)
    last = next((record for record in reversed(records) if record), b"")
    return finished + (1 if last and _LINE_END not in last else 0)


def _skip(position: int, data: bytes, found: int, lines: int) -> tuple[int, int]:
    excess = found - lines
    offset = 0
    while excess > 0:
        end = data.find(b"\n", offset) + 1
        if _LINE_END in data[offset:end]:
            excess -= 1
        offset = end
    return position + offset, min(found, lines)
