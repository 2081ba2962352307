"""Requests and responses as values, and the errors of reading them.

Knows HTTP messages (RFC 9110, RFC 9112). Must not know sockets or who answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

from wherry import errors


class Malformed(errors.InvalidArgument):
    """The bytes are no HTTP request; the connection is closed after the answer."""


class HeadersTooLarge(errors.InvalidArgument):
    def __init__(self, limit: int) -> None:
        super().__init__(f"the request's head is larger than {limit} bytes")


class HeadersTooSlow(errors.InvalidArgument):
    def __init__(self, seconds: float) -> None:
        super().__init__(f"the request's head did not arrive within {seconds:g} seconds")


class BodyTooLarge(errors.InvalidArgument):
    def __init__(self, limit: int) -> None:
        super().__init__(f"the request's body is larger than {limit} bytes")


class BodyIncomplete(errors.InvalidArgument):
    def __init__(self) -> None:
        super().__init__("the connection was closed before the request's body had ended")


class TooManyConnections(errors.Unavailable):
    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} connections are open", hint="close some, or raise the limit")


class Headers:
    """Header fields; names compare without case, the first of several counts."""

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields = [(name.lower(), value) for name, value in fields]

    def get(self, name: str, default: str = "") -> str:
        wanted = name.lower()
        return next((value for key, value in self._fields if key == wanted), default)

    def all(self, name: str) -> list[str]:
        wanted = name.lower()
        return [value for key, value in self._fields if key == wanted]

    def __contains__(self, name: str) -> bool:
        wanted = name.lower()
        return any(key == wanted for key, _ in self._fields)

    def tokens(self, name: str) -> set[str]:
        """The comma-separated words of a field, in lower case."""
        return {word.strip().lower() for value in self.all(name) for word in value.split(",") if word.strip()}


class Query:
    """The parameters of a target, decoded; a name may occur several times."""

    def __init__(self, text: str) -> None:
        self._pairs = parse_qsl(text, keep_blank_values=True, errors="replace") if text else []

    def get(self, name: str, default: str = "") -> str:
        return next((value for key, value in self._pairs if key == name), default)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self._pairs if key == name]

    def __contains__(self, name: str) -> bool:
        return any(key == name for key, _ in self._pairs)


class Body:
    """A request's body as it arrives. The connection is told to pause while more than HIGH_WATER bytes wait here."""

    HIGH_WATER = 256 * 1024

    def __init__(self, length: int | None, flow: Callable[[bool], None], wanted: Callable[[], None]) -> None:
        """`length` is the announced one; `flow(False)` pauses the sender; `wanted` is called when reading begins."""
        self.length = length
        self._flow = flow
        self._wanted: Callable[[], None] | None = wanted
        self._chunks: list[bytes] = []
        self._size = 0
        self._ended = False
        self._broken = False
        self._paused = False
        self._news: asyncio.Future[None] | None = None

    def feed(self, data: bytes) -> None:
        self._chunks.append(data)
        self._size += len(data)
        if self._size > self.HIGH_WATER and not self._paused:
            self._paused = True
            self._flow(False)
        self._wake()

    def end(self) -> None:
        self._ended = True
        self._wake()

    def break_off(self) -> None:
        """The connection has gone: whoever reads gets BodyIncomplete, unless all had arrived."""
        self._broken = not self._ended
        self._wake()

    @property
    def ended(self) -> bool:
        """All of it has arrived."""
        return self._ended

    def _wake(self) -> None:
        if self._news and not self._news.done():
            self._news.set_result(None)

    def take_buffered(self) -> bytes:
        """What has arrived and was not read."""
        data = b"".join(self._chunks)
        self._chunks.clear()
        self._size = 0
        if self._paused:
            self._paused = False
            self._flow(True)
        return data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._wanted:
            self._wanted()
            self._wanted = None
        while True:
            if self._chunks:
                yield self.take_buffered()
            elif self._ended:
                return
            elif self._broken:
                raise BodyIncomplete
            else:
                self._news = asyncio.get_running_loop().create_future()
                await self._news

    async def read(self, limit: int) -> bytes:
        """All of it; BodyTooLarge as soon as it is known to be more than `limit` bytes."""
        if self.length is not None and self.length > limit:
            raise BodyTooLarge(limit)
        pieces, size = [], 0
        async for piece in self:
            size += len(piece)
            if size > limit:
                raise BodyTooLarge(limit)
            pieces.append(piece)
        return b"".join(pieces)


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end: for unix sockets the ids of the process, else an address."""

    address: str = ""
    pid: int = 0
    uid: int = -1
    gid: int = -1


@dataclass(slots=True)
class Response:
    """An answer. A body of bytes is sent with its length; an iterator is sent in chunks, each at once."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | AsyncIterator[bytes] = b""


def split_target(target: str) -> tuple[str, str]:
    """The decoded path and the raw query of a request target in origin or absolute form; Malformed."""
    if not target.startswith("/"):
        scheme, separator, rest = target.partition("://")
        if not separator or not scheme:
            raise Malformed(f"the request target {target[:200]!r} is neither a path nor an absolute URI")
        target = "/" + rest.partition("/")[2]
    path, _, query = target.partition("?")
    decoded = unquote(path, errors="surrogateescape")
    if "\0" in decoded:
        raise Malformed("the request's path contains a NUL byte")
    return decoded, query.partition("#")[0]
