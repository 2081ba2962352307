"""Our standard streams and a container's, joined over a connection taken over from HTTP.

Knows sockets, file descriptors and frames. Must not know which command wants them joined. One loop over poll(2): no
thread, so that nothing outlives the command.
"""

from __future__ import annotations

import os
import select

from wherry.cli import demultiplex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from wherry.cli.signals import Arrivals
    from wherry.cli.terminal import DetachKeys

_PIECE = 65536
_ENOUGH = 1 << 20
_SHUT_WR = 1
_READABLE = select.POLLIN | select.POLLHUP | select.POLLERR


class Relay:
    """`sock` and `early` are what Engine.hijack gave; `framed` says how the output comes, `keys` what detaches."""

    def __init__(
        self,
        sock: Any,
        early: bytes,
        *,
        framed: bool,
        stdin: bool,
        output: bool = True,
        keys: DetachKeys | None = None,
        arrivals: Arrivals | None = None,
        on_signal: Callable[[int], None] | None = None,
    ) -> None:
        self._sock = sock
        self._frames = demultiplex.Frames() if framed else None
        self._keys = keys
        self._arrivals = arrivals
        self._on_signal = on_signal
        self._unsent = b""
        self._stdin = stdin
        self._output = output
        self._closing = not stdin
        self.detached = False
        if early:
            self._show(early)

    def run(self) -> bool:
        """Copy until the container's output ends (True) or the user detaches (False)."""
        self._sock.setblocking(False)
        poll = select.poll()
        descriptor = self._sock.fileno()
        if self._arrivals is not None:
            poll.register(self._arrivals.descriptor, select.POLLIN)
        if self._stdin:
            poll.register(0, select.POLLIN)
        while True:
            poll.register(descriptor, select.POLLIN | (select.POLLOUT if self._unsent or self._unflushed else 0))
            if self._stdin:
                # An engine that does not take more is not sent more: what is typed waits in the terminal or pipe.
                poll.modify(0, select.POLLIN if len(self._unsent) < _ENOUGH else 0)
            for ready, events in poll.poll():
                if ready == descriptor:
                    if events & select.POLLOUT:
                        self._send(b"")
                    if events & _READABLE and not self._receive():
                        return True
                elif ready == 0:
                    self._read_stdin(poll)
                    if self.detached:
                        return False
                else:
                    self._take_signals()
            if not self._output and not self._stdin and not self._unsent and not self._unflushed:
                return True

    def _take_signals(self) -> None:
        if self._arrivals is not None and self._on_signal is not None:
            for number in self._arrivals.take():
                self._on_signal(number)

    def _receive(self) -> bool:
        """Show what has come; False at the end."""
        while True:
            try:
                data = self._sock.recv(_PIECE)
            except (BlockingIOError, InterruptedError):
                return True
            except ConnectionResetError:
                return False
            except OSError as error:
                if type(error).__name__ in ("SSLWantReadError", "SSLWantWriteError"):
                    return True
                raise
            if not data:
                return False
            self._show(data)
            if not getattr(self._sock, "pending", int)():
                return True

    def _show(self, data: bytes) -> None:
        if self._frames is not None:
            self._frames.feed(data)
        else:
            demultiplex.write_all(1, data)

    def _read_stdin(self, poll: select.poll) -> None:
        try:
            data = os.read(0, _PIECE)
        except OSError:
            data = b""
        if not data:
            poll.unregister(0)
            self._stdin = False
            self._closing = True
        elif self._keys is not None:
            data = self._keys.filter(data)
            self.detached = self._keys.seen
        self._send(data)

    @property
    def _unflushed(self) -> bool:
        """TLS holds encrypted bytes that the connection has not taken yet."""
        return bool(getattr(self._sock, "unflushed", False))

    def _send(self, data: bytes) -> None:
        self._unsent += data
        if not self._unsent and self._unflushed:
            self._sock.flush()
        while self._unsent:
            try:
                sent = self._sock.send(self._unsent)
            except (BlockingIOError, InterruptedError):
                return
            except (BrokenPipeError, ConnectionResetError):
                self._unsent = b""
                return
            except OSError as error:
                if type(error).__name__ in ("SSLWantReadError", "SSLWantWriteError"):
                    return
                raise
            self._unsent = self._unsent[sent:]
        if self._closing:
            self._closing = False
            _end_writing(self._sock)


def _end_writing(sock: Any) -> None:
    """Tell the peer that no more comes, and go on reading."""
    unwrap = getattr(sock, "unwrap", None)
    try:
        if unwrap is not None:
            unwrap()
        else:
            sock.shutdown(_SHUT_WR)
    except OSError:
        pass  # gone already, or (TLS) the peer's own end has not come yet
