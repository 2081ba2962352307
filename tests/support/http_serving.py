"""A server on a unix socket for one test, and clients that speak to it in bytes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

from wherry.http.message import Request, Response
from wherry.http.refusals import Refused
from wherry.http.server import Handler, Limits, Server

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T], seconds: float = 20) -> T:
    """Run a test's body; nothing in these tests may hang."""

    async def bounded() -> T:
        async with asyncio.timeout(seconds):
            return await coroutine

    return asyncio.run(bounded())


def error_response(error: Exception, request: Request | None) -> Response:
    status = error.status if isinstance(error, Refused) else 500
    return Response(
        status, {"X-Error": type(error).__name__, "X-Request": str(request is not None)}, str(error).encode()
    )


class Running:
    """A server and the path of its socket."""

    def __init__(self, server: Server, path: str) -> None:
        self.server = server
        self.path = path

    def socket(self) -> socket.socket:
        """A blocking client socket."""
        client = socket.socket(socket.AF_UNIX)
        client.connect(self.path)
        return client

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_unix_connection(self.path)

    async def talk(self, *pieces: bytes, eof: bool = True) -> bytes:
        """Everything the server answers to these bytes on one connection, until it closes."""
        reader, writer = await self.open()
        try:
            with contextlib.suppress(ConnectionError):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)
                if eof:
                    writer.write_eof()
            return await reader.read()
        finally:
            writer.close()


@contextlib.asynccontextmanager
async def serving(handler: Handler, limits: Limits | None = None) -> AsyncIterator[Running]:
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "http.sock")
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(path)
        server = Server(handler, error_response, limits)
        await server.serve(sock)
        try:
            yield Running(server, path)
        finally:
            await server.close(grace=0)


def statuses(answer: bytes) -> list[int]:
    """The statuses in a sequence of answers."""
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def body_of(answer: bytes) -> bytes:
    """What follows the head of a single answer."""
    return answer.partition(b"\r\n\r\n")[2]
