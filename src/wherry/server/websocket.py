"""A container's streams over a websocket: plain bytes in binary messages, both ways.

Docker's frames are taken off, so stdout and stderr come mixed, as dockerd sends them. Must not know containers.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

from wherry.http.websocket import WebSocket

_CHUNK = 64 * 1024
_HEAD = 8


class Unframed:
    """Takes Docker's frames in pieces of any size and gives what is in them."""

    def __init__(self) -> None:
        self._head = b""
        self._left = 0

    def feed(self, data: bytes) -> bytes:
        content = []
        while data:
            if self._left:
                piece, data = data[: self._left], data[self._left :]
                self._left -= len(piece)
                content.append(piece)
                continue
            missing = _HEAD - len(self._head)
            self._head, data = self._head + data[:missing], data[missing:]
            if len(self._head) == _HEAD:
                self._left = int.from_bytes(self._head[4:], "big")
                self._head = b""
        return b"".join(content)


async def serve(client: WebSocket, sock: socket.socket, replay: AsyncIterator[bytes] | None, *, framed: bool) -> None:
    """Send `replay`, then pass bytes both ways until one side has gone. `framed`: both come in Docker's frames."""
    incoming = asyncio.create_task(_incoming(client, sock))
    outgoing = asyncio.create_task(_outgoing(client, sock, replay, Unframed() if framed else None))
    try:
        await asyncio.wait({incoming, outgoing}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (incoming, outgoing):
            task.cancel()
        await asyncio.gather(incoming, outgoing, return_exceptions=True)
        sock.close()
        with contextlib.suppress(ConnectionError):
            await client.close()


async def _incoming(client: WebSocket, sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    while (message := await client.receive()) is not None:
        await loop.sock_sendall(sock, message)


async def _outgoing(
    client: WebSocket, sock: socket.socket, replay: AsyncIterator[bytes] | None, unframed: Unframed | None
) -> None:
    async def send(piece: bytes) -> None:
        if content := unframed.feed(piece) if unframed else piece:
            await client.send(content)

    if replay is not None:
        async for piece in replay:
            await send(piece)
    loop = asyncio.get_running_loop()
    while piece := await loop.sock_recv(sock, _CHUNK):
        await send(piece)
