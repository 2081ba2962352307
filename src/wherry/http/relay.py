"""Carrying bytes between a client's connection and a local stream socket, both ways.

Knows half-close and back-pressure on both sides. Must not know what flows. The socket is not an asyncio transport since
those drop what they have not read as soon as a write fails: the last output of a process would be lost whenever its
stdin had ended first. epoll_ctl(2) for EPOLLHUP.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from wherry.http.stream import RawStream

_READ_SIZE: Final = 256 * 1024


async def relay(raw: RawStream, sock: socket.socket) -> None:
    """Carry bytes until both directions have ended or one side is gone; the end of one direction is passed on at once.

    Closes `sock`. `raw` is left for its owner to close, which also sends what the client has not taken yet.
    """
    pump = _Pump(raw, sock)
    try:
        pump.start()
        await pump.done
    finally:
        pump.stop()


class _Pump:
    """`raw` → `sock` is called input, `sock` → `raw` output."""

    def __init__(self, raw: RawStream, sock: socket.socket) -> None:
        self._raw = raw
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._backlog = bytearray()
        self._input_ending = False
        self._input_done = False
        self._output_done = False
        self._hangup: select.epoll | None = None
        self.done: asyncio.Future[None] = self._loop.create_future()

    def start(self) -> None:
        self._sock.setblocking(False)
        self._loop.add_reader(self._sock, self._read)
        self._raw.divert(self)

    def stop(self) -> None:
        self._finish()
        if self._hangup is not None:
            self._loop.remove_reader(self._hangup)
            self._hangup.close()
        self._sock.close()

    # Input.

    def received(self, data: bytes) -> None:
        if self._input_done:
            return  # nobody reads it; keep reading all the same, to see the client leave
        if not self._backlog:
            data = data[self._send(data) :]
        if data:
            self._backlog += data
            self._raw.pause_reading()
            self._loop.add_writer(self._sock, self._flush)

    def ended(self) -> None:
        self._input_ending = True
        if not self._backlog:
            self._end_input()
        if self._raw.half_closes and not self.done.done():
            self._watch_hangup(self._raw.fileno())

    def _send(self, data: bytes | bytearray) -> int:
        try:
            return self._sock.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            self._end_input()
            return len(data)

    def _flush(self) -> None:
        del self._backlog[: self._send(self._backlog)]
        if not self._backlog:
            self._loop.remove_writer(self._sock)
            if self._input_ending:
                self._end_input()
            else:
                self._raw.resume_reading()

    def _end_input(self) -> None:
        if not self._input_done:
            self._input_done = True
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_WR)
            self._settle()

    # Output.

    def _read(self) -> None:
        try:
            data = self._sock.recv(_READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._raw.write_nowait(data)
            return
        self._output_done = True
        self._loop.remove_reader(self._sock)
        self._raw.write_eof()
        self._settle()
        if not self.done.done():
            self._watch_hangup(self._sock.fileno())

    def full(self) -> None:
        self._loop.remove_reader(self._sock)

    def writable(self) -> None:
        if not self._output_done and not self.done.done():
            self._loop.add_reader(self._sock, self._read)

    # The end.

    def lost(self) -> None:
        self._finish()

    def _watch_hangup(self, fd: int) -> None:
        """After its end of file a socket tells asyncio nothing more, not even that the other side is gone entirely."""
        if self._hangup is None:
            self._hangup = select.epoll()
            self._loop.add_reader(self._hangup, self._hung_up)
        self._hangup.register(fd, 0)

    def _hung_up(self) -> None:
        assert self._hangup is not None  # noqa: S101 -- only called while it is watched
        if self._backlog:  # the client said its last word; let it be heard
            self._loop.remove_reader(self._hangup)
            self._loop.add_writer(self._sock, self._flush)
            return
        self._finish()

    def _settle(self) -> None:
        if self._input_done and self._output_done:
            self._finish()

    def _finish(self) -> None:
        self._loop.remove_reader(self._sock)
        self._loop.remove_writer(self._sock)
        if not self.done.done():
            self.done.set_result(None)
