"""A small HTTP/1.1 client: one connection, one request at a time.

Knows messages as a client sees them. Must not know redirects, cookies or pools; those are for whoever needs them.
RFC 9112.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

from wherry import errors
from wherry.http.framing import Chunked, Decoder, Sized, UntilClose, body_length
from wherry.http.head import ResponseHead
from wherry.http.message import Fields, Headers
from wherry.http.refusals import Refused
from wherry.http.stream import RawStream

if TYPE_CHECKING:
    import ssl

_MAX_HEAD: Final = 65536
_SWITCHING: Final = 101
_FIRST_FINAL: Final = 200


class BadResponse(errors.Unavailable):
    """What the server sent is not a complete HTTP response."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"bad response: {reason}")


class ClientResponse:
    """A response whose body is read once: `async for chunk in response`, or `await response.read()`."""

    def __init__(self, status: int, headers: Headers, raw: RawStream, decoder: Decoder | None) -> None:
        self.status = status
        self.headers = headers
        self._raw = raw
        self._decoder = decoder

    @property
    def complete(self) -> bool:
        """Whether the whole body has been read, so that another request can follow."""
        return self._decoder is None

    async def read(self) -> bytes:
        return b"".join([chunk async for chunk in self])

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self._decoder is not None:
            data = await self._raw.read()
            if not data:
                if not isinstance(self._decoder, UntilClose):
                    raise BadResponse("the connection ended within the body")
                self._decoder = None
                return
            payload, rest = self._decoder.feed(data)
            if rest is not None:
                self._decoder = None
                self._raw.unread(rest)
            if payload:
                yield payload


class Connection:
    """A connection to a server, from `connect_unix` or `connect_tcp`."""

    def __init__(self, raw: RawStream, host: str) -> None:
        self.raw = raw
        self._host = host

    async def request(
        self, method: str, target: str, headers: Fields = (), body: bytes | AsyncIterator[bytes] = b""
    ) -> ClientResponse:
        """Send a request and read the head of its response. The body of the one before must have been read.

        Raises ConnectionResetError, BadResponse.
        """
        fields = headers if isinstance(headers, Headers) else Headers(headers)
        await self.raw.write(self._encode_head(method, target, fields, body))
        if not isinstance(body, bytes):
            with contextlib.suppress(ConnectionResetError):  # an early answer may explain it
                async for chunk in body:
                    await self.raw.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunk else b"")
                await self.raw.write(b"0\r\n\r\n")
        return await self._response(method)

    async def upgrade(
        self, method: str, target: str, headers: Fields = (), body: bytes = b"", protocol: str = "tcp"
    ) -> tuple[ClientResponse, RawStream | None]:
        """Ask for another protocol; the stream if the server agreed (101), None if it answered something else."""
        fields = Headers(headers if not isinstance(headers, Headers) else list(headers))
        fields.extend([("Connection", "Upgrade"), ("Upgrade", protocol)])
        response = await self.request(method, target, fields, body)
        return response, self.raw if response.status == _SWITCHING else None

    async def close(self) -> None:
        await self.raw.close()

    def _encode_head(self, method: str, target: str, headers: Headers, body: bytes | AsyncIterator[bytes]) -> bytes:
        own = [("Host", self._host)] if "Host" not in headers else []
        if not isinstance(body, bytes):
            own.append(("Transfer-Encoding", "chunked"))
        elif body or method not in ("GET", "HEAD"):
            own.append(("Content-Length", str(len(body))))
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in (*own, *headers)), "", ""]
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + (body if isinstance(body, bytes) else b"")

    async def _response(self, method: str) -> ClientResponse:
        while True:
            head = await self._read_head()
            if head.status >= _FIRST_FINAL or head.status == _SWITCHING:
                break
        headers = Headers(head.fields)
        try:
            decoder = _decoder(method, head, headers)
        except Refused as refusal:
            raise BadResponse(refusal.message) from refusal
        return ClientResponse(head.status, headers, self.raw, decoder)

    async def _read_head(self) -> ResponseHead:
        head = ResponseHead(_MAX_HEAD)
        rest = None
        while rest is None:
            data = await self.raw.read()
            if not data:
                raise BadResponse("the connection ended before the response")
            try:
                rest = head.feed(data)
            except Refused as refusal:
                raise BadResponse(refusal.message) from refusal
        self.raw.unread(rest)
        return head


def _decoder(method: str, head: ResponseHead, headers: Headers) -> Decoder | None:
    """How the body ends, RFC 9112 section 6.3; None if there is none."""
    if method == "HEAD" or head.status in (101, 204, 304):
        return None
    if "Content-Length" not in headers and "Transfer-Encoding" not in headers:
        return UntilClose()
    length = body_length(headers, head.version)
    if length is None:
        return Chunked()
    return Sized(length) if length else None


async def connect_unix(path: str) -> Connection:
    """Raises OSError."""
    _, raw = await asyncio.get_running_loop().create_unix_connection(RawStream, path)
    return Connection(raw, "localhost")


async def connect_tcp(host: str, port: int, tls: ssl.SSLContext | None = None) -> Connection:
    """Raises OSError, ssl.SSLError among them."""
    _, raw = await asyncio.get_running_loop().create_connection(RawStream, host, port, ssl=tls)
    return Connection(raw, f"{host}:{port}")
