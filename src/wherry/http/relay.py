"""Carrying bytes between a client's connection and a local stream socket, both ways.

Knows half-close and back-pressure on both sides. Must not know what flows. The socket is not an asyncio transport since
those drop what they have not read as soon as a write fails: the last output of a process would be lost whenever its
stdin had ended first. unix(7).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Final

from wherry.http.hangup import HangupWatch
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
        self._abandoned = False
        self._watches: list[HangupWatch] = []
        self.done: asyncio.Future[None] = self._loop.create_future()

    def start(self) -> None:
        self._sock.setblocking(False)
        self._loop.add_reader(self._sock, self._read)
        self._raw.divert(self)

    def stop(self) -> None:
        self._finish()
        self._raw.divert(None)
        for watch in self._watches:
            watch.close()
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
        if self._raw.is_unix and not self.done.done():
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
            if self._output_done or self._abandoned:
                self._finish()

    # Output.

    def _read(self) -> None:
        try:
            data = self._sock.recv(_READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            if not self._abandoned:
                self._raw.write_nowait(data)
            return
        self._output_done = True
        self._loop.remove_reader(self._sock)
        self._raw.write_eof()
        if self._input_done:
            self._finish()
        else:
            self._watch_hangup(self._sock.fileno())

    def full(self) -> None:
        self._loop.remove_reader(self._sock)

    def writable(self) -> None:
        if not self._output_done and not self.done.done():
            self._loop.add_reader(self._sock, self._read)

    # The end.

    def lost(self) -> None:
        self._input_ending = True
        self._hung_up()
        self.writable()  # nobody wants the output now, but a process blocked by it would not read its input

    def _watch_hangup(self, fd: int) -> None:
        self._watches.append(HangupWatch(fd, self._hung_up))

    def _hung_up(self) -> None:
        self._abandoned = True
        if not self._backlog:  # otherwise the client's last words are to be heard first
            self._finish()

    def _finish(self) -> None:
        self._loop.remove_reader(self._sock)
        self._loop.remove_writer(self._sock)
        if not self.done.done():
            self.done.set_result(None)
