"""SIGUSR1: what every thread and every task is doing, to the log. For a daemon that seems to hang."""

from __future__ import annotations

import asyncio
import io
import logging
import sys
import threading
import traceback

_log = logging.getLogger(__name__)


def log_all() -> None:
    """Called in the event loop."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for identifier, frame in sys._current_frames().items():
        stack = "".join(traceback.format_stack(frame))
        _log.warning("thread %s\n%s", names.get(identifier, identifier), stack)
    for task in asyncio.all_tasks():
        text = io.StringIO()
        task.print_stack(file=text)
        _log.warning("task %s\n%s", task.get_name(), text.getvalue())
