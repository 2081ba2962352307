"""One client connection: requests in order, each answered by a task of its own.

Knows HTTP/1.1 persistence, pipelining, Expect, disconnects and hijacking (RFC 9112 section 9). Must not know routes or
how errors are written. Requests behind the current one are kept as bytes: what they are depends on whether it hijacks.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from typing import TYPE_CHECKING, Any, Final, cast

from wherry import errors
from wherry.http import target
from wherry.http.body import HIGH_WATER, Body
from wherry.http.framing import Chunked, Decoder, Sized, body_length
from wherry.http.hangup import HangupWatch
from wherry.http.head import RequestHead
from wherry.http.message import Headers, Peer, Request, Response
from wherry.http.refusals import ClientGone, HeadersTooSlow, Malformed, Refused, TooManyConnections
from wherry.http.sending import encode_head, has_body, send_stream
from wherry.http.stream import RawStream, close, linger

if TYPE_CHECKING:
    from wherry.http.server import Server

_log = logging.getLogger(__name__)

_DISCARDED: Final = 1024 * 1024
"""Bytes of an unread body that are thrown away to keep the connection; beyond, closing is cheaper."""

_UCRED = struct.Struct("3i")

_NONE: Final = Response(101)
"""Stands for the answer of a handler that took the connection over; it is never sent."""


class NoResponse(errors.Internal):
    def __init__(self, request: Request) -> None:
        super().__init__(f"the handler answered nothing to {request!r}")


class Connection(asyncio.Protocol):
    """Owned by its server, which it leaves when both the transport and the last handler are gone."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._head = RequestHead(server.limits.header_bytes)
        self._decoder: Decoder | None = None
        self._body = Body(0)
        self._continue_expected = False
        self._held = bytearray()
        self._eof = False
        self._left = False
        self._gone = False
        self._hangup: HangupWatch | None = None
        self._disconnected: asyncio.Event | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._streaming = False
        self._raw: RawStream | None = None
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.task: asyncio.Task[None] | None = None

    # What the server calls.

    def stop(self) -> None:
        """Take no further request; the running one is finished."""
        if self.task is None:
            close(self._transport)

    def abort(self) -> None:
        self._transport.abort()
        if self.task is not None:
            self.task.cancel()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.peer = _peer(self._transport)
        if self._server.admit(self):
            self._arm(self._server.limits.idle_seconds)
        else:
            self._refuse(TooManyConnections(self._server.limits.connections))

    def data_received(self, data: bytes) -> None:
        if self._transport.is_closing():
            return  # TLS delivers what came along with the end
        if self._decoder is not None:
            self._receive_body(data)
        elif self.task is not None:
            self._held += data
            if len(self._held) > HIGH_WATER:
                self._transport.pause_reading()
        else:
            self._receive_head(data)

    def eof_received(self) -> bool:
        self._eof = True
        if self.task is None:
            return False
        self._body.fail(ClientGone())
        if self.peer.kind == "unix":
            self._hangup = HangupWatch(self._transport.get_extra_info("socket").fileno(), self._disconnect)
        else:
            self._disconnect()
        return self._transport.can_write_eof()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost()

    def _lost(self) -> None:
        self._gone = self._eof = True
        self._deadline = None
        self._stop_watching()
        if self._timer is not None:
            self._timer.cancel()
        self._writable.set()
        if self.task is None:
            self._server.forget(self)
        else:
            self._disconnect()

    def _disconnect(self) -> None:
        """The client is gone. A streamed answer is cancelled; anything else is the handler's to decide."""
        self._left = True
        self._body.fail(ClientGone())
        if self._disconnected is not None:
            self._disconnected.set()
        if self._streaming and self.task is not None:
            self.task.cancel()

    def _stop_watching(self) -> None:
        if self._hangup is not None:
            self._hangup.close()

    # Time limits: one timer a connection, which is moved on only when it fires.

    def _arm(self, seconds: float) -> None:
        self._deadline = deadline = self._loop.time() + seconds
        if self._timer is not None and self._timer.when() > deadline:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self._loop.call_at(deadline, self._expire)

    def _expire(self) -> None:
        self._timer = None
        if self._deadline is None:
            return
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._expire)
        elif self._head.started:
            self._refuse(HeadersTooSlow(self._server.limits.header_seconds))
        else:
            close(self._transport)

    # Receiving.

    def _receive_head(self, data: bytes) -> None:
        head = self._head
        if not head.started:
            self._deadline = None
        try:
            rest = head.feed(data)
            if rest is not None:
                self._start(head, rest)
            elif self._deadline is None:
                self._arm(self._server.limits.header_seconds)
        except Refused as refusal:
            self._refuse(refusal)

    def _start(self, head: RequestHead, rest: bytes) -> None:
        if head.version not in ("1.1", "1.0"):
            raise Malformed(f"unsupported version {head.version}")
        path, query = target.split(head.target)
        headers = Headers(head.fields)
        length = body_length(headers, head.version)
        self._deadline = None
        self._head = RequestHead(self._server.limits.header_bytes)
        self._body = body = Body(length, self._body_wanted)
        if length != 0:
            self._decoder = Chunked() if length is None else Sized(length)
            self._continue_expected = head.version == "1.1" and "100-continue" in headers.tokens("Expect")
        self._disconnected = None
        request = Request(
            head.method,
            path,
            query=query,
            headers=headers,
            body=body,
            peer=self.peer,
            target=head.target.decode("latin-1"),
            version=head.version,
            exchange=self,
        )
        self.task = self._loop.create_task(self._serve(request, keep_alive=head.keep_alive and head.version == "1.1"))
        if rest:
            self.data_received(rest)

    def _receive_body(self, data: bytes) -> None:
        assert self._decoder is not None
        self._continue_expected = False
        try:
            payload, rest = self._decoder.feed(data)
        except Refused as refusal:
            self._decoder = None
            self._body.fail(refusal)
            return
        self._body.feed(payload)
        if rest is not None:
            self._decoder = None
            self._body.finish()
            self._held += rest
        elif self._body.buffered > HIGH_WATER:
            self._transport.pause_reading()

    def _body_wanted(self) -> None:
        if self._continue_expected:
            self._continue_expected = False
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._resume_reading()

    def _resume_reading(self) -> None:
        if not self._eof:  # asyncio would report the end again
            self._transport.resume_reading()

    # Answering.

    async def _serve(self, request: Request, *, keep_alive: bool) -> None:
        keep = False
        try:
            response = await self._answer(request)
            if self._raw is not None:
                await self._raw.close()
            elif self._gone:
                await _close_body(response)
            else:
                keep = await self._send(request, response, keep_alive=keep_alive)
        except ConnectionError:
            pass
        except asyncio.CancelledError:
            self._transport.abort()
        except Exception:  # noqa: BLE001 -- nobody awaits this task, and the answer is broken
            _log.exception("answering %r failed", request)
            self._transport.abort()
        finally:
            self.task = None
            self._finish(keep=keep)

    async def _answer(self, request: Request) -> Response:
        try:
            response = await self._server.handler(request)
        except Exception as error:  # noqa: BLE001 -- every failure has to become an answer
            if self._raw is None:
                return self._server.explain(error, request)
            _log.exception("%r failed after it took over the connection", request)
            self._raw.abort()
            return _NONE
        if response is None and self._raw is None:
            return self._server.explain(NoResponse(request), request)
        return response or _NONE

    async def _send(self, request: Request, response: Response, *, keep_alive: bool) -> bool:
        """Send the answer; whether another request may follow on this connection."""
        keep = keep_alive and not self._server.closing and not self._continue_expected and not self._body.failed
        keep = keep and (not self._eof or bool(self._held)) and "close" not in response.headers.tokens("Connection")
        if isinstance(response.body, bytes):
            content = response.body if has_body(request, response) else b""
            self._transport.write(encode_head(request, response, keep=keep) + content)
        else:
            keep = await self._stream(request, response, keep=keep)
        if not self._writable.is_set():
            await self._writable.wait()
        return keep and (self._body.complete or await self._discard_body())

    async def _stream(self, request: Request, response: Response, *, keep: bool) -> bool:
        if not has_body(request, response):
            self._transport.write(encode_head(request, response, keep=keep))
            await _close_body(response)
            return keep
        self._streaming = True
        try:
            if self._left:
                return False
            return await send_stream(self._transport, self._writable, request, response, keep=keep)
        finally:
            self._streaming = False
            await _close_body(response)

    async def _discard_body(self) -> bool:
        """Get past what the handler has not read of the body, if that is worth it."""
        size = 0
        try:
            async for chunk in self._body:
                size += len(chunk)
                if size > _DISCARDED:
                    return False
        except Refused:
            return False
        return True

    def _finish(self, *, keep: bool) -> None:
        if self._gone:
            self._server.forget(self)
        elif not keep or self._server.closing:
            linger(self._transport, self._lost, eof=self._eof)
        else:
            self._next_request()

    def _next_request(self) -> None:
        self._arm(self._server.limits.idle_seconds)
        if self._held:
            data = bytes(self._held)
            self._held.clear()
            self._receive_head(data)
        self._resume_reading()
        if self._eof and self.task is None:
            close(self._transport)

    def _refuse(self, refusal: Refused) -> None:
        """Answer what cannot become a request, and close."""
        self._deadline = None
        response = self._server.explain(refusal, None)
        content = response.body if isinstance(response.body, bytes) else b""
        self._transport.write(encode_head(None, response, keep=False) + content)
        linger(self._transport, self._lost, eof=self._eof)

    # What a request may ask of its connection.

    @property
    def disconnected(self) -> asyncio.Event:
        if self._disconnected is None:
            self._disconnected = asyncio.Event()
            if self._left:
                self._disconnected.set()
        return self._disconnected

    async def hijack(self, head: bytes) -> RawStream:
        await self._writable.wait()
        if self._gone:
            raise ClientGone
        self._raw = raw = RawStream(self._lost)
        raw.connection_made(self._transport)
        raw.unread(self._body.take() + bytes(self._held))
        self._held.clear()
        self._decoder = None
        self._stop_watching()
        self._transport.set_protocol(raw)
        self._transport.write(head)
        if self._eof:
            raw.eof_received()
        raw.resume_reading()
        return raw


async def _close_body(response: Response) -> None:
    """End a body's iterator; one that was never started has to let go of its resources too."""
    close = getattr(response.body, "aclose", None)
    if close is not None:
        await close()


def _peer(transport: asyncio.Transport) -> Peer:
    sock = transport.get_extra_info("socket")
    if sock.family == socket.AF_UNIX:
        pid, uid, gid = _UCRED.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
        return Peer("unix", pid=pid, uid=uid, gid=gid)
    host, port = transport.get_extra_info("peername")[:2]
    return Peer("tcp", address=f"{host}:{port}", subject=_subject(transport.get_extra_info("peercert")))


_ATTRIBUTES: Final = {
    "commonName": "CN",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "countryName": "C",
    "stateOrProvinceName": "ST",
    "localityName": "L",
}


def _subject(certificate: dict[str, Any] | None) -> str:
    names = (certificate or {}).get("subject", ())
    return ",".join(f"{_ATTRIBUTES.get(name, name)}={value}" for rdn in names for name, value in rdn)
