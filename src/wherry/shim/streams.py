"""Standard input and output of one process, shared between its log and any number of attached clients.

Knows pipes, a terminal's master end, sockets, Docker's 8-byte frames and detach keys. Must not know which process it is
or what ends it. Everything is non-blocking and driven by one `Poller`.

Memory is bounded: when a client has more than HIGH_WATER bytes outstanding, the process's output is not read until it
has caught up, as with Docker; when the process does not read its input, neither do we.
"""

from __future__ import annotations

import fcntl
import os
import select
import socket
import struct
import termios
from collections.abc import Callable

from wherry.shim.logfile import LogFile

CHUNK = 64 * 1024
HIGH_WATER = 1 << 20
_PIPE_BYTES = 1 << 20

_NUMBER = {"stdout": 1, "stderr": 2}
_NOBODY = (None, None)

TYPE_CHECKING = False
if TYPE_CHECKING:
    Callback = Callable[[], None] | None


class Poller:
    """Callbacks for descriptors that are ready: epoll(7). `watch` with no callback at all stops watching."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._watched: dict[int, tuple[Callback, Callback]] = {}

    def watch(self, fd: int, *, read: Callback = None, write: Callback = None) -> None:
        events = (select.EPOLLIN if read else 0) | (select.EPOLLOUT if write else 0)
        if not events:
            self.forget(fd)
            return
        if fd in self._watched:
            self._epoll.modify(fd, events)
        else:
            self._epoll.register(fd, events)
        self._watched[fd] = read, write

    def forget(self, fd: int) -> None:
        if self._watched.pop(fd, None):
            self._epoll.unregister(fd)

    def close(self) -> None:
        self._epoll.close()

    def poll(self, timeout: float | None) -> None:
        """Wait for events, at most `timeout` seconds, and run their callbacks. A hang-up or error wakes both."""
        for fd, events in self._epoll.poll(timeout):
            for event, which in ((~select.EPOLLOUT, 0), (~select.EPOLLIN, 1)):
                callback = self._watched.get(fd, _NOBODY)[which]
                if events & event and callback:
                    callback()


class DetachKeys:
    """Finds the detach sequence in what a user types; bytes that may begin it are held back until it is decided."""

    def __init__(self, keys: bytes) -> None:
        self._keys = keys
        self._held = b""

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """Bytes to pass on, and whether the sequence is complete (what follows it is dropped)."""
        if not self._keys:
            return data, False
        out = bytearray()
        for byte in data:
            self._held += bytes([byte])
            if self._held == self._keys:
                return bytes(out), True
            while self._held and not self._keys.startswith(self._held):
                out.append(self._held[0])
                self._held = self._held[1:]
        return bytes(out), False


class Client:
    """An attached stream socket: we read input from it and write output to it."""

    def __init__(
        self,
        sock: socket.socket,
        stdin: bool,
        outputs: frozenset[str],
        keys: DetachKeys,
        on_detach: Callable[[], None],
        framed: bool,
    ) -> None:
        self.sock = sock
        self.stdin = stdin
        self.outputs = outputs
        self.keys = keys
        self.on_detach = on_detach
        self.framed = framed
        self.pending = bytearray()
        self.finishing = False
        self.input_ended = False


class Streams:
    """One process's stdio. Make it, give `child_fds` (or the terminal) to the process, then `start`."""

    def __init__(
        self, poller: Poller, *, terminal: bool, stdin: bool, stdin_once: bool, log: LogFile | None = None
    ) -> None:
        self._poller = poller
        self.terminal = terminal
        self._stdin_once = stdin_once
        self._wants_stdin = stdin
        self._log = log
        self._clients: list[Client] = []
        self._outputs: dict[int, str] = {}
        self._input: int | None = None
        self._input_pending = bytearray()
        self._input_closing = False
        self._held_up = False
        self._on_end: Callable[[], None] | None = None
        self._discarding = False

    def open_pipes(self) -> tuple[int, int, int]:
        """Descriptors for the process's stdin, stdout and stderr; the caller closes them once it has started."""
        if self._wants_stdin:
            child_in, self._input = os.pipe()
            os.set_blocking(self._input, False)
        else:
            child_in = os.open(os.devnull, os.O_RDONLY)
        ends = []
        for name in ("stdout", "stderr"):
            read, write = os.pipe()
            fcntl.fcntl(read, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
            os.set_blocking(read, False)
            self._outputs[read] = name
            ends.append(write)
        return child_in, ends[0], ends[1]

    def use_terminal(self, master: int, size: tuple[int, int] | None) -> None:
        """Take the master end of the process's terminal; `size` is rows and columns."""
        os.set_blocking(master, False)
        self._outputs[master] = "stdout"
        if self._wants_stdin:
            self._input = os.dup(master)
        if size:
            self.resize(*size)

    def start(self) -> None:
        """Begin to pass input and output."""
        self._watch_outputs()
        self._write_input()

    def resize(self, rows: int, columns: int) -> None:
        for fd in self._outputs:
            fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def attach(
        self,
        sock: socket.socket,
        *,
        stdin: bool,
        outputs: frozenset[str],
        keys: bytes,
        framed: bool,
        on_detach: Callable[[], None],
    ) -> None:
        sock.setblocking(False)
        client = Client(sock, stdin and self._wants_stdin, outputs, DetachKeys(keys), on_detach, framed)
        self._clients.append(client)
        self._watch_client(client)

    # Output: process -> log and clients

    def _watch_outputs(self) -> None:
        for fd in self._outputs:
            if self._held_up:
                self._poller.forget(fd)
            else:
                self._poller.watch(fd, read=lambda fd=fd: self._read_output(fd))  # type: ignore[misc]

    def _read_output(self, fd: int) -> None:
        try:
            data = os.read(fd, CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""  # EIO: the last process has closed the terminal, pty(7)
        if not data:
            self._close_output(fd)
            return
        if self._discarding:
            return
        name = self._outputs[fd]
        if self._log:
            self._log.write(name, data)
        for client in list(self._clients):
            if name in client.outputs:
                self._send(client, name, data)

    def _close_output(self, fd: int) -> None:
        self._poller.forget(fd)
        os.close(fd)
        del self._outputs[fd]
        if not self._outputs and self._on_end:
            self._on_end()

    @property
    def ended(self) -> bool:
        """The process and all that inherited its output have closed it."""
        return not self._outputs

    def on_end(self, callback: Callable[[], None]) -> None:
        self._on_end = callback

    def drain(self) -> None:
        """Read what is there now without waiting, no more than a pipe holds: the process has ended, others go on."""
        for fd in list(self._outputs):
            for _ in range(_PIPE_BYTES // CHUNK):
                if fd in self._outputs and _readable(fd):
                    self._read_output(fd)

    def _send(self, client: Client, name: str, data: bytes) -> None:
        if client.framed:
            data = struct.pack(">BxxxI", _NUMBER[name], len(data)) + data
        if not client.pending:
            try:
                sent = client.sock.send(data, socket.MSG_NOSIGNAL)
            except BlockingIOError:
                sent = 0
            except OSError:
                self._drop(client)
                return
            if sent == len(data):
                return
            data = data[sent:]
        client.pending += data
        self._watch_client(client)
        self._balance()

    def _flush_client(self, client: Client) -> None:
        try:
            sent = client.sock.send(client.pending, socket.MSG_NOSIGNAL)
        except BlockingIOError:
            return
        except OSError:
            self._drop(client)
            return
        del client.pending[:sent]
        if not client.pending:
            if client.finishing:
                self._drop(client)
                return
            self._watch_client(client)
        self._balance()

    def _balance(self) -> None:
        held_up = any(len(client.pending) > HIGH_WATER for client in self._clients) and not self._discarding
        if held_up != self._held_up:
            self._held_up = held_up
            self._watch_outputs()

    # Input: clients -> process

    def _watch_client(self, client: Client) -> None:
        blocked = client.input_ended or (client.stdin and len(self._input_pending) >= CHUNK)
        self._poller.watch(
            client.sock.fileno(),
            read=None if blocked else lambda: self._read_client(client),
            write=(lambda: self._flush_client(client)) if client.pending else None,
        )

    def _read_client(self, client: Client) -> None:
        try:
            data = client.sock.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            self._drop(client)
            return
        if not data:
            self._client_input_ended(client)
        elif client.stdin:
            passed, detached = client.keys.feed(data)
            if passed:
                self._input_pending += passed
                self._write_input()
            if detached:
                client.on_detach()
                self._finish(client)
            elif client in self._clients:
                self._watch_client(client)

    def _client_input_ended(self, client: Client) -> None:
        """Half-close of a client that types: with StdinOnce the process sees the end, else the client is let go."""
        client.input_ended = True
        self._watch_client(client)
        if not client.stdin:
            return
        if self._stdin_once and not self.terminal:
            self._input_closing = True
            self._write_input()
        else:
            self._finish(client)

    def _write_input(self) -> None:
        """Pass on what clients have typed, and let them type again as far as it was taken."""
        self._write_pending()
        for client in self._clients:
            if client.stdin:
                self._watch_client(client)

    def _write_pending(self) -> None:
        if self._input is None:
            return
        try:
            while self._input_pending:
                written = os.write(self._input, self._input_pending[:CHUNK])
                del self._input_pending[:written]
        except BlockingIOError:
            self._poller.watch(self._input, write=self._write_input)
            return
        except OSError:
            self._input_pending.clear()
            self._close_input()
            return
        self._poller.forget(self._input)
        if self._input_closing:
            self._close_input()

    def _close_input(self) -> None:
        if self._input is not None:
            self._poller.forget(self._input)
            os.close(self._input)
            self._input = None
        self._wants_stdin = False

    # The end

    def _finish(self, client: Client) -> None:
        """Close a client once it has taken what is outstanding."""
        client.finishing = True
        client.input_ended = True
        if client.pending:
            self._watch_client(client)
        else:
            self._drop(client)

    def _drop(self, client: Client) -> None:
        if client in self._clients:
            self._clients.remove(client)
            self._poller.forget(client.sock.fileno())
            client.sock.close()
            self._balance()

    def flush(self) -> None:
        """All output has been read: what is in the log is complete."""
        if self._log:
            self._log.flush()

    def finish(self) -> None:
        """The process has ended: let the clients go, and discard what stray children still print."""
        self._close_input()
        self._discarding = True
        for client in list(self._clients):
            self._finish(client)
        self._balance()

    @property
    def idle(self) -> bool:
        """Every client has got everything."""
        return not self._clients

    def close(self) -> None:
        for client in list(self._clients):
            self._drop(client)
        for fd in list(self._outputs):
            self._poller.forget(fd)
            os.close(fd)
        self._outputs.clear()
        self._close_input()
        if self._log:
            self._log.close()
            self._log = None


def _readable(fd: int) -> int:
    """Bytes that can be read at once: FIONREAD of ioctl(2)."""
    count: int = struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, bytes(4)))[0]
    return count
