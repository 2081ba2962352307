"""A connection that has been taken over: raw bytes both ways, each direction closed on its own.

Knows transports and back-pressure. Must not know what the bytes mean.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket

_HIGH_WATER = 256 * 1024
_CHUNK = 256 * 1024


class RawStream(asyncio.Protocol):
    """`read` and `write` with back-pressure; the end of one direction leaves the other open."""

    def __init__(self, transport: asyncio.Transport, early: bytes = b"", *, ended: bool = False) -> None:
        """`early` is what came before the take-over; `ended` if the peer has closed its direction already."""
        self._transport = transport
        self._buffer = bytearray(early)
        self._ended = ended
        self._lost = False
        self._reading_paused = False
        self._news: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) > _HIGH_WATER and not self._reading_paused:
            self._reading_paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self._ended = True
        self._wake()
        return True

    def connection_lost(self, _error: Exception | None) -> None:
        self._lost = self._ended = True
        self._wake()
        if self._writable and not self._writable.done():
            self._writable.set_exception(ConnectionResetError("the connection was closed"))
        if not self._closed.done():
            self._closed.set_result(None)

    def pause_writing(self) -> None:
        self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        if self._writable and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def _wake(self) -> None:
        if self._news and not self._news.done():
            self._news.set_result(None)

    async def read(self) -> bytes:
        """What has arrived, at least one byte; b"" when the peer has closed its direction."""
        while not self._buffer:
            if self._ended:
                return b""
            self._news = asyncio.get_running_loop().create_future()
            await self._news
        data = bytes(self._buffer)
        self._buffer.clear()
        if self._reading_paused and not self._lost:
            self._reading_paused = False
            self._transport.resume_reading()
        return data

    async def write(self, data: bytes) -> None:
        """Send; waits while the peer does not take it. ConnectionResetError once the connection is gone."""
        if self._lost:
            raise ConnectionResetError("the connection was closed")
        self._transport.write(data)
        if self._writable:
            await self._writable

    def write_eof(self) -> None:
        """Close our direction. With TLS, which cannot do that, it is the whole connection, once all is sent."""
        if self._lost:
            return
        if self._transport.can_write_eof():
            with contextlib.suppress(OSError, RuntimeError):
                self._transport.write_eof()
        else:
            self._transport.close()

    def close(self) -> None:
        """Close once all is sent."""
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()

    @property
    def closed(self) -> asyncio.Future[None]:
        """Resolves when the connection is gone."""
        return self._closed


async def relay(stream: RawStream, sock: socket.socket) -> None:
    """Pass bytes both ways between a connection and a local stream socket until both directions have ended.

    The end of one side's direction becomes the end of the other's. When the local side has said all, the connection is
    closed; when the connection is lost, the local side is. Closes both.
    """
    loop = asyncio.get_running_loop()

    async def incoming() -> None:
        with contextlib.suppress(OSError):
            while data := await stream.read():
                await loop.sock_sendall(sock, data)
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_WR)

    async def outgoing() -> None:
        while data := await _receive(loop, sock):
            await stream.write(data)
        stream.write_eof()

    pump = asyncio.create_task(incoming())
    gone = stream.closed
    out = asyncio.create_task(outgoing())
    try:
        await asyncio.wait({out, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (out, pump):
            task.cancel()
        await asyncio.gather(out, pump, return_exceptions=True)
        stream.close()
        sock.close()


async def _receive(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> bytes:
    try:
        return await loop.sock_recv(sock, _CHUNK)
    except ConnectionError:
        return b""
