"""The server: one Protocol per connection, one task per request, in order.

Knows how requests are parsed (httptools), answered, and how a connection is taken over. Must not know what is asked: the
handler does, and `answer_error` turns every exception into a response. A handler that changes state is never cancelled by
a client that goes away: only a response that is being streamed ends with its client.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httptools

from wherry import errors
from wherry.http.message import (
    Body,
    Headers,
    HeadersTooLarge,
    HeadersTooSlow,
    Malformed,
    Peer,
    Query,
    Response,
    TooManyConnections,
    split_target,
)
from wherry.http.stream import RawStream

if TYPE_CHECKING:
    import ssl

_log = logging.getLogger(__name__)

Handler = Callable[["Request"], Awaitable[Response | None]]
"""None means that the connection was taken over."""
AnswerError = Callable[[Exception, "Request | None"], Response]

_WRITE_HIGH_WATER = 256 * 1024
_ACCEPT_PAUSE = 0.2
_NO_BODY = {204, 304}


@dataclass(frozen=True, slots=True)
class Limits:
    header_bytes: int = 64 * 1024
    header_seconds: float = 30.0
    idle_seconds: float = 300.0
    connections: int = 4096


class Request:
    """What is asked. `disconnected` resolves when the client has gone."""

    __slots__ = ("_connection", "body", "headers", "method", "path", "peer", "query", "target", "version")

    def __init__(self, connection: Connection, method: str, target: str, headers: Headers, version: str, body: Body):
        self._connection = connection
        self.method = method
        self.target = target
        self.path, query = split_target(target)
        self.query = Query(query)
        self.headers = headers
        self.version = version
        self.body = body
        self.peer = connection.peer

    @property
    def disconnected(self) -> asyncio.Future[None]:
        return self._connection.gone

    async def hijack(self, head: bytes) -> RawStream:
        """Send `head` as it is and take the connection over; what has come behind the request is read first."""
        return self._connection.hijack(head)


class Connection(asyncio.Protocol):
    def __init__(self, server: Server) -> None:
        self._server = server
        self._transport: asyncio.Transport
        self._parser: Any = None
        self._target = b""
        self._fields: list[tuple[str, str]] = []
        self._head_bytes = 0
        self._body: Body | None = None
        self._pending: list[Request] = []
        self._worker: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._writable: asyncio.Future[None] | None = None
        self._closing = False
        self._backlog = b""
        self._ended = False
        self.peer = Peer()
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # The transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=_WRITE_HIGH_WATER)
        self.peer = _peer(transport)
        if not self._server.admit(self):
            self._refuse(TooManyConnections(self._server.limits.connections))
            return
        self._parser = httptools.HttpRequestParser(self)
        self._expect_head(self._server.limits.header_seconds)

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        if self._worker is not None and self._body is None:
            self._hold_back(data)
            return
        if self._body is None:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._backlog = data[upgrade.args[0] :]
            self._transport.pause_reading()
            return
        except Malformed as error:
            self._refuse(error)
            return
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause if isinstance(cause, errors.WherryError) else Malformed(f"no HTTP request: {error}"))
            return
        if self._body is None and self._head_bytes > self._server.limits.header_bytes:
            self._refuse(HeadersTooLarge(self._server.limits.header_bytes))

    def _hold_back(self, data: bytes) -> None:
        """What comes behind a request that is being answered: the next one, or raw bytes if this one takes over."""
        self._backlog += data
        if len(self._backlog) > Body.HIGH_WATER:
            self._transport.pause_reading()

    def _go_on(self) -> None:
        data, self._backlog = self._backlog, b""
        if data:
            self._transport.resume_reading()
            self.data_received(data)

    def eof_received(self) -> bool:
        """The client may have closed its direction only; it still gets its answers."""
        self._ended = True
        if self._body:
            self._body.break_off()
        if self._worker is None:
            return False
        return True

    def connection_lost(self, _error: Exception | None) -> None:
        self._closing = True
        self._cancel_timer()
        if self._body:
            self._body.break_off()
        if self._writable and not self._writable.done():
            self._writable.set_exception(ConnectionResetError("the client has gone"))
        if not self.gone.done():
            self.gone.set_result(None)
        self._server.forget(self)

    def pause_writing(self) -> None:
        self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        if self._writable and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    # The parser tells

    def on_message_begin(self) -> None:
        self._target = b""
        self._fields = []

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.append((name.decode("latin-1"), value.decode("utf-8", "surrogateescape")))
        if self._head_bytes > 2 * self._server.limits.header_bytes:
            raise HeadersTooLarge(self._server.limits.header_bytes)

    def on_headers_complete(self) -> None:
        self._cancel_timer()
        headers = Headers(self._fields)
        length = _body_length(headers)
        expects = "100-continue" in headers.get("expect").lower()
        self._body = Body(length, self._flow, self._continue if expects else _nothing)
        request = Request(
            self,
            self._parser.get_method().decode("latin-1"),
            self._target.decode("utf-8", "surrogateescape"),
            headers,
            self._parser.get_http_version(),
            self._body,
        )
        self._head_bytes = 0
        self._pending.append(request)
        if self._worker is None:
            self._worker = asyncio.get_running_loop().create_task(self._work())

    def on_body(self, data: bytes) -> None:
        assert self._body is not None
        self._body.feed(data)

    def on_message_complete(self) -> None:
        assert self._body is not None
        self._body.end()
        self._body = None

    def _continue(self) -> None:
        if not self._closing:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _flow(self, go_on: bool) -> None:
        if not self._transport.is_closing():
            (self._transport.resume_reading if go_on else self._transport.pause_reading)()

    # Time

    def _expect_head(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(seconds, self._too_slow, seconds)

    def _cancel_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self, seconds: float) -> None:
        self._timer = None
        if self._head_bytes:
            self._refuse(HeadersTooSlow(seconds))
        else:
            self._transport.close()

    def _refuse(self, error: Exception) -> None:
        """Answer and close: what follows cannot be understood."""
        if self._closing:
            return
        self._closing = True
        self._cancel_timer()
        response = self._server.answer_error(error, None)
        assert isinstance(response.body, bytes)
        head = _head(response, [("Content-Length", str(len(response.body))), ("Connection", "close")])
        self._transport.write(head + response.body)
        self._transport.close()

    # Answers

    async def _work(self) -> None:
        """Answer the waiting requests, one after the other."""
        while self._pending and not self._closing:
            request = self._pending.pop(0)
            keep = await self._serve(request)
            if keep is None:
                return
            if not keep or (self._ended and not self._pending):
                self._closing = True
                self._transport.close()
        self._worker = None
        if not self._closing:
            self._expect_head(self._server.limits.idle_seconds)
            self._go_on()

    async def _serve(self, request: Request) -> bool | None:
        """Whether the connection can be kept; None if it was taken over."""
        try:
            response = await self._server.handler(request)
        except Exception as error:  # noqa: BLE001 - the edge: every failure becomes an answer
            response = self._server.answer_error(error, request)
        if response is None:
            return None
        keep = self._keeps_alive(request)
        try:
            await self._send(request, response, keep=keep)
        except ConnectionError:
            return False
        if keep and not request.body.ended:
            keep = await _discard(request.body)
        return keep

    def _keeps_alive(self, request: Request) -> bool:
        tokens = request.headers.tokens("connection")
        if self._server.closing or tokens & {"close", "upgrade"}:
            return False
        return request.version != "1.0" or "keep-alive" in tokens

    async def _send(self, request: Request, response: Response, *, keep: bool) -> None:
        own = [] if keep else [("Connection", "close")]
        if isinstance(response.body, bytes):
            if response.status not in _NO_BODY:
                own.append(("Content-Length", str(len(response.body))))
            without = request.method == "HEAD" or response.status in _NO_BODY
            await self._write(_head(response, own) + (b"" if without else response.body))
            return
        chunked = request.version != "1.0"
        own += [("Transfer-Encoding", "chunked")] if chunked else []
        try:
            await self._write(_head(response, own))
            if request.method != "HEAD":
                await self._stream(response.body, chunked=chunked)
        finally:
            if hasattr(response.body, "aclose"):
                await response.body.aclose()
        if not chunked:
            self._closing = True
            self._transport.close()

    async def _stream(self, body: AsyncIterator[bytes], *, chunked: bool) -> None:
        """Send the pieces until they end or the client goes, in which case waiting for the next one is cancelled."""
        while True:
            step: asyncio.Future[bytes] = asyncio.ensure_future(anext(body))
            both: tuple[asyncio.Future[Any], ...] = (step, self.gone)
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not step.done():
                step.cancel()
                await asyncio.wait({step})
                raise ConnectionResetError("the client has gone")
            try:
                piece = step.result()
            except StopAsyncIteration:
                break
            except Exception:
                _log.exception("a response broke off")
                self._transport.abort()
                raise ConnectionResetError("the response broke off") from None
            if piece:
                await self._write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        if chunked:
            await self._write(b"0\r\n\r\n")

    async def _write(self, data: bytes) -> None:
        if self._transport.is_closing():
            raise ConnectionResetError("the client has gone")
        self._transport.write(data)
        if self._writable:
            await self._writable

    def hijack(self, head: bytes) -> RawStream:
        early = b"".join(filter(None, [self._body.take_buffered() if self._body else b"", self._backlog]))
        self._closing = True
        self._cancel_timer()
        self._server.forget(self)
        stream = RawStream(self._transport, early, ended=self._ended)
        if not self._transport.is_closing():
            self._transport.set_protocol(stream)
            self._transport.resume_reading()
            self._transport.write(head)
        else:
            stream.connection_lost(None)
        if not self.gone.done():
            stream.closed.add_done_callback(lambda _f: None if self.gone.done() else self.gone.set_result(None))
        return stream

    def close_when_idle(self) -> None:
        if self._worker is None:
            self._transport.close()

    def abort(self) -> None:
        self._transport.abort()


class Server:
    """Serves any number of listening sockets with one handler."""

    def __init__(self, handler: Handler, answer_error: AnswerError, limits: Limits | None = None) -> None:
        self.handler = handler
        self.answer_error = answer_error
        self.limits = limits or Limits()
        self.closing = False
        self._connections: set[Connection] = set()
        self._accepting: list[asyncio.Task[None]] = []
        self._sockets: list[socket.socket] = []

    def listen(self, sock: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Accept connections on a listening socket, which is ours from now on."""
        sock.setblocking(False)
        self._sockets.append(sock)
        self._accepting.append(asyncio.get_running_loop().create_task(self._accept(sock, tls)))

    async def _accept(self, sock: socket.socket, tls: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(sock)
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    _log.warning("cannot accept connections for a moment: %s", error)
                    await asyncio.sleep(_ACCEPT_PAUSE)
                    continue
                if error.errno == errno.ECONNABORTED:
                    continue
                raise
            if tls is None:
                await loop.connect_accepted_socket(lambda: Connection(self), connection)
            else:
                task = loop.create_task(self._shake_hands(connection, tls))
                task.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _shake_hands(self, connection: socket.socket, tls: ssl.SSLContext) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(
                lambda: Connection(self), connection, ssl=tls, ssl_handshake_timeout=self.limits.header_seconds
            )
        except (OSError, EOFError) as error:
            _log.info("TLS handshake failed: %s", error)

    def admit(self, connection: Connection) -> bool:
        if len(self._connections) >= self.limits.connections:
            return False
        self._connections.add(connection)
        return True

    def forget(self, connection: Connection) -> None:
        self._connections.discard(connection)

    async def close(self, grace: float) -> None:
        """Stop accepting, let running requests finish within `grace` seconds, then break them off."""
        self.closing = True
        for task in self._accepting:
            task.cancel()
        await asyncio.gather(*self._accepting, return_exceptions=True)
        for sock in self._sockets:
            sock.close()
        for connection in list(self._connections):
            connection.close_when_idle()
        deadline = asyncio.get_running_loop().time() + grace
        while self._connections and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.01)
        for connection in list(self._connections):
            connection.abort()


def _nothing() -> None:
    pass


def _body_length(headers: Headers) -> int | None:
    """The announced length; Malformed where it is ambiguous how long the body is (RFC 9112, section 6.3)."""
    lengths = {value.strip() for value in headers.all("content-length")}
    if "transfer-encoding" in headers:
        if lengths:
            raise Malformed("both Content-Length and Transfer-Encoding are given")
        return None
    if len(lengths) > 1:
        raise Malformed("several lengths are given for one body")
    text = next(iter(lengths), "0")
    if not text.isascii() or not text.isdigit():
        raise Malformed(f"invalid Content-Length: {text[:40]}")
    return int(text)


def _head(response: Response, own: list[tuple[str, str]]) -> bytes:
    try:
        phrase = HTTPStatus(response.status).phrase
    except ValueError:
        phrase = ""
    lines = [f"HTTP/1.1 {response.status} {phrase}"]
    lines += [f"{name}: {value}" for name, value in (*response.headers, *own)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


async def _discard(body: Body) -> bool:
    """Read a small rest of a body nobody wanted, so that the next request can follow; False if it is not small."""
    limit = Body.HIGH_WATER
    with contextlib.suppress(errors.WherryError):
        async for piece in body:
            limit -= len(piece)
            if limit < 0:
                return False
        return True
    return False


def _peer(transport: asyncio.Transport) -> Peer:
    sock = transport.get_extra_info("socket")
    if sock is not None and sock.family == socket.AF_UNIX:
        with contextlib.suppress(OSError):
            credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            pid, uid, gid = struct.unpack("3i", credentials)
            return Peer(pid=pid, uid=uid, gid=gid)
        return Peer()
    name = transport.get_extra_info("peername")
    return Peer(address=f"{name[0]}:{name[1]}" if name else "")
