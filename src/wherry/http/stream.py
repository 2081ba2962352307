"""A connection as two streams of bytes, each of which ends by itself.

Knows asyncio transports: back-pressure both ways, half-close, lingering at the end. Must not know HTTP. TLS cannot
half-close in asyncio: there the end of one direction ends both, after what was written has been sent.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol, cast

HIGH_WATER: Final = 256 * 1024
"""Bytes held for a slow reader before the sender is made to wait."""

LINGER_SECONDS: Final = 2.0


class Receiver(Protocol):
    """Who gets a stream's bytes as they come, see `RawStream.divert`."""

    def received(self, data: bytes) -> None: ...

    def ended(self) -> None:
        """The peer will send no more."""

    def full(self) -> None:
        """Stop writing until `writable`."""

    def writable(self) -> None: ...

    def lost(self) -> None:
        """The connection is gone."""


class RawStream(asyncio.Protocol):
    """A connection without a protocol: server side from `Request.hijack`, client side from `Connection.upgrade`."""

    def __init__(self, lost: Callable[[], None] | None = None) -> None:
        self._lost = lost
        self._chunks: deque[bytes] = deque()
        self._buffered = 0
        self._eof = False
        self._waiter: asyncio.Future[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._receiver: Receiver | None = None
        self._closing = False
        self._closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def closed(self) -> asyncio.Future[None]:
        """Done when the connection is gone, for whatever reason."""
        return asyncio.shield(self._closed)

    async def read(self, n: int = 65536) -> bytes:
        """At most `n` bytes as soon as there are any; b"" once the peer ended its side or is gone."""
        while not self._chunks:
            if self._eof:
                return b""
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        data = self._chunks.popleft()
        if len(data) > n:
            self._chunks.appendleft(data[n:])
            data = data[:n]
        self._buffered -= len(data)
        if self._buffered <= HIGH_WATER // 2:
            self.resume_reading()
        return data

    def unread(self, data: bytes) -> None:
        """Put back what the next `read` shall return."""
        if data:
            self._chunks.appendleft(data)
            self._buffered += len(data)

    async def write(self, data: bytes) -> None:
        """Send `data`, waiting while the peer is too slow. Raises ConnectionResetError once the connection is gone."""
        self.write_nowait(data)
        if not self._writable.is_set():
            await self._writable.wait()
            self._check_open()

    def write_nowait(self, data: bytes) -> None:
        """Like `write`, but buffers what a slow peer does not take."""
        self._check_open()
        self._transport.write(data)

    def write_eof(self) -> None:
        """Tell the peer that no more will come, after what was written. TLS: close."""
        if self._transport.is_closing():
            return
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            close(self._transport)

    def close(self) -> asyncio.Future[None]:
        """End both directions once everything written has been taken. What is returned is `closed`."""
        if not self._closed.done() and not self._closing:
            self._closing = True
            linger(self._transport, self._gone, eof=self._eof)
        return self.closed

    def abort(self) -> None:
        """Drop the connection and what was not sent."""
        self._transport.abort()

    def fileno(self) -> int:
        """The socket's descriptor; it stays the stream's."""
        return cast("int", self._transport.get_extra_info("socket").fileno())

    @property
    def is_unix(self) -> bool:
        sock = self._transport.get_extra_info("socket")
        return sock is not None and sock.family == socket.AF_UNIX

    def divert(self, receiver: Receiver | None) -> None:
        """Hand everything to `receiver` from now on, what is buffered and the end included. None: to `read` again."""
        self._receiver = receiver
        if receiver is None:
            self.resume_reading()
            return
        data = b"".join(self._chunks)
        self._chunks.clear()
        self._buffered = 0
        self.resume_reading()
        if data:
            receiver.received(data)
        if self._closed.done():
            receiver.lost()
        elif self._eof:
            receiver.ended()
        if not self._writable.is_set():
            receiver.full()

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        if not self._eof:  # asyncio would report the end again
            self._transport.resume_reading()

    def _check_open(self) -> None:
        if self._closed.done():
            raise ConnectionResetError("the peer closed the connection")

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._receiver is not None:
            self._receiver.received(data)
            return
        self._chunks.append(data)
        self._buffered += len(data)
        if self._buffered > HIGH_WATER:
            self.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        if not self._eof:
            self._eof = True
            if self._receiver is not None:
                self._receiver.ended()
            self._wake()
        return self._transport.can_write_eof()

    def pause_writing(self) -> None:
        self._writable.clear()
        if self._receiver is not None:
            self._receiver.full()

    def resume_writing(self) -> None:
        self._writable.set()
        if self._receiver is not None:
            self._receiver.writable()

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone()

    def _gone(self) -> None:
        self._eof = True
        if not self._closed.done():
            self._closed.set_result(None)
        self._writable.set()
        self._wake()
        if self._receiver is not None:
            self._receiver.lost()
        if self._lost is not None:
            self._lost()


class _Lingering(asyncio.Protocol):
    """Discards what the peer still sends. Closing with unread bytes would reset the connection, and a reset can
    overtake the answer: RFC 9112 section 9.6."""

    def __init__(self, transport: asyncio.Transport, lost: Callable[[], None]) -> None:
        self._lost = lost
        self._timer = asyncio.get_running_loop().call_later(LINGER_SECONDS, close, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        self._lost()


def close(transport: asyncio.Transport) -> None:
    """Close after sending what was written. A second `close` would make asyncio's TLS transport fail ever after."""
    if not transport.is_closing():
        transport.close()


def linger(transport: asyncio.Transport, lost: Callable[[], None], *, eof: bool) -> None:
    """End a connection so that the peer gets everything written; `lost` is called when it is gone.

    `eof` says that the peer has ended its side already.
    """
    if eof or transport.is_closing() or not transport.can_write_eof():
        close(transport)
        return
    transport.set_protocol(_Lingering(transport, lost))
    transport.write_eof()
    transport.resume_reading()
