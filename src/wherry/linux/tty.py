"""Pseudo-terminals.

Knows pty(7), the window size ioctls of ioctl_tty(2) and raw mode of termios(3). Must not know who reads or writes.
"""

from __future__ import annotations

import fcntl
import os
import struct
import termios
from dataclasses import dataclass

_WINSIZE = struct.Struct("HHHH")


@dataclass(frozen=True, slots=True)
class Pair:
    """Both ends of a new pseudo-terminal, close-on-exec; `path` is the name of the terminal in our /dev/pts."""

    master: int
    terminal: int
    path: str


def open_pair(rows: int = 0, columns: int = 0) -> Pair:
    """A new pseudo-terminal; a size of zero means "unknown" to programs."""
    master, terminal = os.openpty()
    try:
        set_size(master, rows, columns)
        return Pair(master, terminal, os.ttyname(terminal))
    except OSError:
        os.close(master)
        os.close(terminal)
        raise


def set_size(fd: int, rows: int, columns: int) -> None:
    """Set the size in characters; the foreground processes get SIGWINCH if it differs. Either end will do."""
    fcntl.ioctl(fd, termios.TIOCSWINSZ, _WINSIZE.pack(rows, columns, 0, 0))


def size(fd: int) -> tuple[int, int]:
    """Rows and columns."""
    rows, columns, _, _ = _WINSIZE.unpack(fcntl.ioctl(fd, termios.TIOCGWINSZ, bytes(_WINSIZE.size)))
    return rows, columns


def set_raw(fd: int) -> list[int | list[bytes | int]]:
    """Pass every byte through untouched, as cfmakeraw(3). Gives the mode before, for `restore`."""
    before = termios.tcgetattr(fd)
    iflag, oflag, cflag, lflag, ispeed, ospeed, cc = termios.tcgetattr(fd)
    iflag &= ~(
        termios.IGNBRK
        | termios.BRKINT
        | termios.PARMRK
        | termios.ISTRIP
        | termios.INLCR
        | termios.IGNCR
        | termios.ICRNL
        | termios.IXON
    )
    oflag &= ~termios.OPOST
    lflag &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN)
    cflag = cflag & ~(termios.CSIZE | termios.PARENB) | termios.CS8
    cc[termios.VMIN], cc[termios.VTIME] = 1, 0
    termios.tcsetattr(fd, termios.TCSANOW, [iflag, oflag, cflag, lflag, ispeed, ospeed, cc])
    return before


def restore(fd: int, mode: list[int | list[bytes | int]]) -> None:
    """Set the mode that `set_raw` gave."""
    termios.tcsetattr(fd, termios.TCSANOW, mode)
