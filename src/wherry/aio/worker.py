"""Threads for code that blocks, limited in number and named after their purpose.

Everything below the engine blocks, and the event loop never does: this is the bridge. A caller that is cancelled does
not stop the work, which runs to its end.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Worker:
    """At most `threads` calls at once, the others wait in order."""

    def __init__(self, name: str, threads: int) -> None:
        self._executor = concurrent.futures.ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of `function`, or its exception."""
        loop = asyncio.get_running_loop()
        if kwargs:
            return await loop.run_in_executor(self._executor, lambda: function(*args, **kwargs))
        return await loop.run_in_executor(self._executor, function, *args)

    def close(self) -> None:
        """Wait for what runs and end the threads."""
        self._executor.shutdown()
