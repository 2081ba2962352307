"""Streams between the event loop and code that blocks on files.

Blocking code gets one end of a socket pair as a file; the loop feeds or drains the other. Memory is bounded by the
socket's buffer. Knows nothing of what passes.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from typing import BinaryIO, TypeVar, cast

from wherry.aio.worker import Worker

T = TypeVar("T")

_CHUNK = 256 * 1024
_BUFFER = 1 << 20


def _pair() -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair()
    for sock in (ours, theirs):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
    ours.setblocking(False)
    return ours, theirs


async def feed(worker: Worker, chunks: AsyncIterator[bytes], read: Callable[[BinaryIO], T]) -> T:
    """The result of `read`, which gets the chunks as a file. A failure of the chunks looks like their end to it."""
    ours, theirs = _pair()
    loop = asyncio.get_running_loop()

    def consume() -> T:
        with theirs, theirs.makefile("rb", _CHUNK) as file:
            return read(cast(BinaryIO, file))

    reading = asyncio.ensure_future(worker.run(consume))
    failure: BaseException | None = None
    try:
        async for chunk in chunks:
            await loop.sock_sendall(ours, chunk)
            if reading.done():
                break
    except OSError:
        pass
    except BaseException as error:  # noqa: BLE001 - raised again below, once the reader has ended
        failure = error
    finally:
        ours.close()
    result = await reading
    if failure is not None:
        raise failure
    return result


async def drain(worker: Worker, write: Callable[[BinaryIO], None]) -> AsyncIterator[bytes]:
    """What `write` puts into its file, in pieces. Its exception comes behind the last piece."""
    ours, theirs = _pair()
    loop = asyncio.get_running_loop()

    def produce() -> None:
        with theirs, theirs.makefile("wb", _CHUNK) as file:
            write(cast(BinaryIO, file))

    writing = asyncio.ensure_future(worker.run(produce))
    try:
        while piece := await loop.sock_recv(ours, _CHUNK):
            yield piece
    finally:
        ours.close()
        await asyncio.wait({writing})
    writing.result()
