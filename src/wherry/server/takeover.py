"""Taking a connection over for raw bytes: the heads that Docker's clients expect, and the relay that follows.

Knows the two forms (with `Upgrade: tcp` and without) and content types. Must not know containers.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING

from wherry.api.versions import Version
from wherry.http.relay import relay
from wherry.http.stream import RawStream

if TYPE_CHECKING:
    from wherry.server.call import Call

_V1_42 = Version(1, 42)
RAW = "application/vnd.docker.raw-stream"
MULTIPLEXED = "application/vnd.docker.multiplexed-stream"
_STDOUT = 1


def content_type(version: Version, *, terminal: bool) -> str:
    """A terminal's bytes travel as they are, all others in frames, which clients are told from 1.42 on."""
    return RAW if terminal or version < _V1_42 else MULTIPLEXED


async def take_over(call: Call, *, terminal: bool, headers: Iterable[tuple[str, str]] = ()) -> RawStream:
    """Answer and take the connection over. Without an upgrade the content type is raw even if there are frames."""
    if "upgrade" in call.request.headers:
        lines = ["HTTP/1.1 101 UPGRADED", f"Content-Type: {content_type(call.version, terminal=terminal)}"]
        lines += ["Connection: Upgrade", "Upgrade: tcp"]
    else:
        lines = ["HTTP/1.1 200 OK", f"Content-Type: {RAW}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return await call.request.hijack("\r\n".join((*lines, "", "")).encode())


async def serve(stream: RawStream, sock: socket.socket, replay: AsyncIterator[bytes] | None = None) -> None:
    """Send `replay`, then pass bytes both ways until the end. A client that goes away is no error."""
    try:
        if replay is not None:
            async for piece in replay:
                await stream.write(piece)
    except ConnectionResetError:
        sock.close()
        return
    with contextlib.suppress(ConnectionResetError):
        await relay(stream, sock)


async def say(stream: RawStream, text: str, *, terminal: bool) -> None:
    """Send a text as output."""
    data = text.encode(errors="surrogateescape")
    with contextlib.suppress(ConnectionResetError):
        await stream.write(data if terminal else frame(_STDOUT, data))


def frame(number: int, data: bytes) -> bytes:
    """Bytes of stream `number` in Docker's frame."""
    return bytes((number, 0, 0, 0)) + len(data).to_bytes(4, "big") + data
