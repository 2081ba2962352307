"""Child processes: commands that are run to their end, and processes that a command left to us as their subreaper.

Knows posix_spawn(3), SIGCHLD and waitpid(2). Must not know what runs.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable

from wherry.shim.streams import Poller

_MAX_OUTPUT = 64 * 1024
_UNCLAIMED = 1024

UNKNOWN = 255
"""The exit code of a process whose end somebody else has seen."""

OnEnd = Callable[[int], None]
"""Called with the exit code; 128 + n after signal n."""


class Children:
    """Reaps every child as soon as it ends; the end of one that nobody watches yet is kept until somebody does."""

    def __init__(self, poller: Poller) -> None:
        self._poller = poller
        self._watched: dict[int, OnEnd] = {}
        self._unclaimed: dict[int, int] = {}
        self._wake, wake_writer = socket.socketpair()
        self._wake.setblocking(False)
        wake_writer.setblocking(False)
        self._wake_writer = wake_writer
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(wake_writer.fileno(), warn_on_full_buffer=False)
        poller.watch(self._wake.fileno(), read=self._reap)

    def watch(self, pid: int, on_end: OnEnd) -> None:
        """Call `on_end` when the child ends, at once if it has ended already.

        A command may have reaped what it left before it ended itself: then nobody knows more than that it is gone.
        """
        code = self._unclaimed.pop(pid, None)
        if code is None and not _is_child(pid):
            code = UNKNOWN
        if code is None:
            self._watched[pid] = on_end
        else:
            on_end(code)

    def spawn(self, argv: list[str], stdio: tuple[int, int, int] | None, on_end: Callable[[int, bytes], None]) -> None:
        """Run a command to its end. Without `stdio` its output is collected and given to `on_end` with the code.

        Raises OSError if the file cannot be executed.
        """
        output = -1
        null = os.open(os.devnull, os.O_RDWR)
        try:
            if stdio is None:
                output = os.memfd_create("output")
                actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, output, 1)]
                actions.append((os.POSIX_SPAWN_DUP2, output, 2))
            else:
                actions = [(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate(stdio)]
            pid = os.posix_spawn(argv[0], argv, os.environ, file_actions=actions, setsigdef=[signal.SIGPIPE])
        except OSError:
            if output >= 0:
                os.close(output)
            raise
        finally:
            os.close(null)

        def ended(code: int) -> None:
            collected = b""
            if output >= 0:
                collected = os.pread(output, _MAX_OUTPUT, 0)
                os.close(output)
            on_end(code, collected)

        self.watch(pid, ended)

    def close(self) -> None:
        """Stop watching for ends."""
        signal.set_wakeup_fd(-1)
        self._poller.forget(self._wake.fileno())
        self._wake.close()
        self._wake_writer.close()

    def _reap(self) -> None:
        try:
            while self._wake.recv(4096):
                pass
        except BlockingIOError:
            pass
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            code = os.waitstatus_to_exitcode(status)
            code = 128 - code if code < 0 else code
            on_end = self._watched.pop(pid, None)
            if on_end:
                on_end(code)
            elif len(self._unclaimed) < _UNCLAIMED:
                self._unclaimed[pid] = code


def _is_child(pid: int) -> bool:
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True
