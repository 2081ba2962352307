"""The terminal at the other end of our standard streams: raw mode, size, detach keys.

Knows termios and the notation of key sequences. Must not know containers. See termios(3).
"""

from __future__ import annotations

import os

from wherry.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DEFAULT_KEYS = "ctrl-p,ctrl-q"


class Raw:
    """A terminal in raw mode while the context lasts."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._saved: list[Any] = []

    def __enter__(self) -> Raw:
        import termios

        self._saved = termios.tcgetattr(self._descriptor)
        iflag, oflag, cflag, lflag, ispeed, ospeed, characters = termios.tcgetattr(self._descriptor)
        iflag &= ~(termios.IGNBRK | termios.BRKINT | termios.PARMRK | termios.ISTRIP)
        iflag &= ~(termios.INLCR | termios.IGNCR | termios.ICRNL | termios.IXON)
        oflag &= ~termios.OPOST
        lflag &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN)
        cflag = (cflag & ~(termios.CSIZE | termios.PARENB)) | termios.CS8
        characters[termios.VMIN] = 1
        characters[termios.VTIME] = 0
        termios.tcsetattr(self._descriptor, termios.TCSANOW, [iflag, oflag, cflag, lflag, ispeed, ospeed, characters])
        return self

    def __exit__(self, *exc: object) -> None:
        import termios

        termios.tcsetattr(self._descriptor, termios.TCSANOW, self._saved)


def is_terminal(descriptor: int) -> bool:
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


def size(descriptor: int = 1) -> tuple[int, int] | None:
    """Lines and columns, None without a terminal."""
    try:
        columns, lines = os.get_terminal_size(descriptor)
    except OSError:
        return None
    return (lines, columns) if lines and columns else None


def keys(notation: str) -> bytes:
    """The bytes of a key sequence such as `ctrl-p,ctrl-q` or `a,b`. Raises Failure."""
    found = bytearray()
    for part in notation.split(","):
        if len(part.encode()) == 1:
            found += part.encode()
            continue
        control, _, letter = part.partition("-")
        if control != "ctrl" or len(letter) != 1 or not ("a" <= letter.lower() <= "z" or letter in "@[\\]^_"):
            raise Failure(f"invalid detach keys ({notation}): Unknown character: '{part}'", 125)
        found.append(ord(letter.upper()) - 64)
    return bytes(found)


class DetachKeys:
    """Watches what is typed for the sequence that detaches."""

    def __init__(self, sequence: bytes) -> None:
        self._sequence = sequence
        self._matched = 0
        self.seen = False

    def filter(self, typed: bytes) -> bytes:
        """What of `typed` goes on to the container; `seen` is true once the sequence was complete."""
        passed = bytearray()
        for byte in typed:
            if byte == self._sequence[self._matched]:
                self._matched += 1
                if self._matched == len(self._sequence):
                    self.seen = True
                    return bytes(passed)
                continue
            passed += self._sequence[: self._matched]
            self._matched = 0
            if byte == self._sequence[0]:
                self._matched = 1
                if len(self._sequence) == 1:
                    self.seen = True
                    return bytes(passed)
            else:
                passed.append(byte)
        return bytes(passed)
