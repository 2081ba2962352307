"""Signals that reach the command, as something that can be polled.

Knows names and numbers of Linux' signals. Must not know what is done about them. Uses `_signal`, because `signal`
drags `enum` in, which takes longer than all else a `wherry run` does. See signal(7).
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

NAMES = {
    1: "HUP", 2: "INT", 3: "QUIT", 10: "USR1", 12: "USR2", 14: "ALRM", 15: "TERM", 18: "CONT", 20: "TSTP",
    23: "URG", 24: "XCPU", 25: "XFSZ", 26: "VTALRM", 27: "PROF", 28: "WINCH", 29: "IO", 30: "PWR",
}  # fmt: skip
WINDOW_CHANGED = 28
ENDING = (2, 15)
_NEVER_PASSED_ON = (23,)
PASSED_ON = tuple(number for number in NAMES if number not in _NEVER_PASSED_ON)


class Arrivals:
    """The signals of `numbers`, caught from now on; `descriptor` is readable when one has come."""

    def __init__(self, numbers: Iterable[int]) -> None:
        self.descriptor, self._writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        _signal.set_wakeup_fd(self._writer)
        for number in numbers:
            _signal.signal(number, _noted)

    def take(self) -> bytes:
        """The numbers of the signals that came since the last call, one byte each."""
        try:
            return os.read(self.descriptor, 512)
        except BlockingIOError:
            return b""


def _noted(_number: int, _frame: object) -> None:
    """Python must have a handler, or the signal has its default effect; the work is done by whoever polls."""
