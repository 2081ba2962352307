"""Where a body ends: by Content-Length, by chunks, or with the connection.

Knows RFC 9112 sections 6 and 7, read strictly: whatever two programs could read differently is refused, since that is
how requests are smuggled. Pure: bytes in, payload out.
"""

from __future__ import annotations

import re
from typing import Final, Protocol

from wherry.http.message import Headers
from wherry.http.refusals import Malformed

_SIZE_LINE = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n\Z")
_LENGTH = re.compile(r"[0-9]{1,18}\Z", re.ASCII)
_MAX_SIZE_LINE: Final = 256
_MAX_TRAILER: Final = 16384


class Decoder(Protocol):
    def feed(self, data: bytes) -> tuple[bytes, bytes | None]:
        """The payload in `data`, and the bytes behind the body's end or None while it goes on. Raises Malformed."""


class Sized:
    """A body of `length` bytes."""

    def __init__(self, length: int) -> None:
        self._remaining = length

    def feed(self, data: bytes) -> tuple[bytes, bytes | None]:
        if len(data) < self._remaining:
            self._remaining -= len(data)
            return data, None
        return data[: self._remaining], data[self._remaining :]


class UntilClose:
    """A body that ends with the connection, as only responses may."""

    def feed(self, data: bytes) -> tuple[bytes, bytes | None]:
        return data, None


class Chunked:
    """A body in chunks. Extensions and trailers are skipped."""

    def __init__(self) -> None:
        self._remaining = 0
        self._line = b""
        self._take = self._take_size
        self._longest = _MAX_SIZE_LINE
        self._complete = False

    def feed(self, data: bytes) -> tuple[bytes, bytes | None]:
        pieces = []
        position = 0
        while position < len(data) and not self._complete:
            if self._remaining:
                piece = data[position : position + self._remaining]
                pieces.append(piece)
                position += len(piece)
                self._remaining -= len(piece)
            else:
                position = self._feed_line(data, position)
        return b"".join(pieces), data[position:] if self._complete else None

    def _feed_line(self, data: bytes, position: int) -> int:
        end = data.find(b"\n", position) + 1 or len(data)
        if len(self._line) + end - position > self._longest:
            raise Malformed("chunk line too long")
        self._line += data[position:end]
        if self._line.endswith(b"\n"):
            line, self._line = self._line, b""
            self._take(line)
        return end

    def _take_size(self, line: bytes) -> None:
        match = _SIZE_LINE.match(line)
        if match is None:
            raise Malformed("invalid chunk size")
        self._remaining = int(match[1], 16)
        if self._remaining:
            self._take, self._longest = self._take_end_of_data, len(b"\r\n")
        else:
            self._take, self._longest = self._take_trailer, _MAX_TRAILER

    def _take_end_of_data(self, line: bytes) -> None:
        if line != b"\r\n":
            raise Malformed("chunk longer than its size")
        self._take, self._longest = self._take_size, _MAX_SIZE_LINE

    def _take_trailer(self, line: bytes) -> None:
        self._longest -= len(line)
        if not line.endswith(b"\r\n"):
            raise Malformed("invalid trailer")
        self._complete = line == b"\r\n"


def body_length(headers: Headers, version: str) -> int | None:
    """How long the body after these headers is: bytes, or None for chunked; 0 if neither is said. Raises Malformed."""
    lengths = headers.all("Content-Length")
    encodings = headers.all("Transfer-Encoding")
    if encodings:
        if lengths:
            raise Malformed("both Content-Length and Transfer-Encoding")
        if version != "1.1" or [encoding.lower() for encoding in encodings] != ["chunked"]:
            raise Malformed("unsupported Transfer-Encoding")
        return None
    if not lengths:
        return 0
    if len(set(lengths)) > 1 or not _LENGTH.match(lengths[0]):
        raise Malformed("invalid Content-Length")
    return int(lengths[0])
