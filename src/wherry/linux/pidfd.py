"""Processes by descriptor: a number that cannot come to mean another process.

Knows pidfd_open(2) and pidfd_send_signal(2). Must not know what the process is.
"""

from __future__ import annotations

import os
import select
import signal


def of(pid: int) -> int:
    """A close-on-exec descriptor for the process; it becomes readable when the process ends. ProcessLookupError."""
    return os.pidfd_open(pid)


def send_signal(pidfd: int, number: int) -> bool:
    """Send a signal; False if the process has ended already."""
    try:
        signal.pidfd_send_signal(pidfd, number)
    except ProcessLookupError:
        return False
    return True


def ended(pidfd: int, timeout: float = 0) -> bool:
    """Whether the process ends within `timeout` seconds; waits for it no longer than that."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(timeout * 1000))
