"""The body of a request, as the handler reads it.

Knows buffering and back-pressure. Must not know framing or sockets: bytes are fed in, and the source is told when more
are wanted.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from wherry.http.refusals import BodyTooLarge

HIGH_WATER: Final = 256 * 1024
"""Bytes held for a slow reader before the sender is made to wait."""


def _nothing() -> None:
    pass


class Body:
    """Bytes to be read once: `async for chunk in body`, or `await body.read(limit)`.

    `length` is what the client announced, None if it did not. Reading raises ClientGone or Malformed if the rest never
    comes. `wanted` is called whenever the reader could take more.
    """

    __slots__ = ("_chunks", "_complete", "_error", "_waiter", "_wanted", "buffered", "length")

    def __init__(self, length: int | None, wanted: Callable[[], None] = _nothing) -> None:
        self.length = length
        self.buffered = 0
        self._chunks: deque[bytes] | None = None
        self._complete = length == 0
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._wanted = wanted

    @classmethod
    def of(cls, data: bytes) -> Body:
        """A body that has arrived already."""
        body = cls(len(data))
        body.feed(data)
        body.finish()
        return body

    @property
    def complete(self) -> bool:
        """Whether all of it has arrived (not: been read)."""
        return self._complete

    @property
    def failed(self) -> bool:
        """Whether the rest will never arrive."""
        return self._error is not None

    async def read(self, limit: int) -> bytes:
        """All of it; raises BodyTooLarge beyond `limit` bytes, at once if the client announced as much."""
        if self.length == 0:
            return b""
        if self.length is not None and self.length > limit:
            raise BodyTooLarge(limit)
        pieces = []
        size = 0
        async for chunk in self:
            size += len(chunk)
            if size > limit:
                raise BodyTooLarge(limit)
            pieces.append(chunk)
        return b"".join(pieces)

    async def drain(self) -> None:
        """Read the rest and forget it."""
        async for _ in self:
            pass

    def __aiter__(self) -> Body:
        return self

    async def __anext__(self) -> bytes:
        while not self._chunks:
            if self._error is not None:
                raise self._error
            if self._complete:
                raise StopAsyncIteration
            self._wanted()
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        chunk = self._chunks.popleft()
        self.buffered -= len(chunk)
        if not self._complete and self.buffered <= HIGH_WATER // 2:
            self._wanted()
        return chunk

    def feed(self, data: bytes) -> None:
        if data:
            if self._chunks is None:
                self._chunks = deque()
            self._chunks.append(data)
            self.buffered += len(data)
            self._wake()

    def finish(self) -> None:
        self._complete = True
        self._wake()

    def fail(self, error: Exception) -> None:
        """The rest will not come; does nothing to a complete body."""
        if not self._complete:
            self._error = error
            self._wake()

    def take(self) -> bytes:
        """What has arrived and was not read."""
        data = b"".join(self._chunks or ())
        self._chunks = None
        self.buffered = 0
        return data

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
