"""Long operations told line by line, as Docker does while images are loaded or made.

Knows the lines' form and the rule for errors: before the first line an error is an ordinary answer, after it a
line. Must not know what is going on. The work goes on in its own task and ends with the client.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec

from wherry import errors
from wherry.http.message import Response
from wherry.images.progress import Progress, Report
from wherry.server import problems, responses

_END = object()
_WAITING = 4096
"""Lines that wait for a slow client; more are left out, as the next one says it better."""


async def told(work: Callable[[Report], Awaitable[object]], *, always_in_stream: bool = False) -> Response:
    """Run `work`, which gets a `Report` to call from any thread, and answer with what it reports.

    With `always_in_stream` even an error before the first line is a line: clients of some operations expect it there.
    """
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[bytes | object] = asyncio.Queue()

    def put(line: bytes) -> None:
        if lines.qsize() < _WAITING:
            lines.put_nowait(line)

    def report(progress: Progress) -> None:
        loop.call_soon_threadsafe(put, line_of(progress))

    async def run() -> None:
        await work(report)

    task = asyncio.create_task(run())
    task.add_done_callback(lambda _done: loop.call_soon(lines.put_nowait, _END))
    try:
        first = await lines.get()
    except asyncio.CancelledError:
        task.cancel()
        raise
    if first is _END and not always_in_stream:
        task.result()
    return responses.stream("application/json", _lines(first, lines, task))


async def _lines(
    first: bytes | object, lines: asyncio.Queue[bytes | object], task: asyncio.Task[None]
) -> AsyncIterator[bytes]:
    try:
        line = first
        while isinstance(line, bytes):
            yield line
            line = await lines.get()
        error = task.exception()
        if isinstance(error, Exception):
            yield error_line(problems.ours(error, "a reported operation"))
    finally:
        if not task.done():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, errors.WherryError):
                await task


def line_of(progress: Progress) -> bytes:
    written: dict[str, Any] = {}
    if progress.stream:
        written["stream"] = progress.stream
    if progress.status:
        written["status"] = progress.status
        written["progressDetail"] = {"current": progress.current, "total": progress.total} if progress.total else {}
    if progress.id:
        written["id"] = progress.id
    if progress.aux is not None:
        written["aux"] = progress.aux
    return msgspec.json.encode(written) + b"\r\n"


def error_line(error: errors.WherryError) -> bytes:
    """Both spellings: older clients read `error`."""
    return msgspec.json.encode({"errorDetail": {"message": error.message}, "error": error.message}) + b"\r\n"
