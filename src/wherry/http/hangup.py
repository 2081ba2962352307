"""Noticing that the other side of a half-closed unix socket is gone altogether.

Knows EPOLLHUP, which epoll_ctl(2) reports unasked. asyncio stops looking at a socket at its end of file, and a peer
that will write no more may still be reading: only a hang-up tells the two apart. TCP has no such sign before a write
fails.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable


class HangupWatch:
    """Calls `gone` once when the peer of the unix socket `fd` has closed it, or has closed it already."""

    def __init__(self, fd: int, gone: Callable[[], None]) -> None:
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        self._epoll = select.epoll()
        self._epoll.register(fd, 0)
        self._loop.add_reader(self._epoll, self._fire)

    def close(self) -> None:
        if not self._epoll.closed:
            self._loop.remove_reader(self._epoll)
            self._epoll.close()

    def _fire(self) -> None:
        self.close()
        self._gone()
