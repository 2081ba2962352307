"""SIGUSR1: what every thread and every task is doing, on standard error. For a daemon that seems to hang."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import traceback

_log = logging.getLogger(__name__)


def dump_all() -> None:
    """Called in the event loop. Stacks have many lines, so they go beside the log, not into it."""
    _log.warning("stacks of all threads and tasks follow")
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for identifier, frame in sys._current_frames().items():  # noqa: SLF001 - the documented way to see all threads
        sys.stderr.write(f"thread {names.get(identifier, identifier)}\n{''.join(traceback.format_stack(frame))}\n")
    for task in asyncio.all_tasks():
        task.print_stack(file=sys.stderr)
    sys.stderr.flush()
