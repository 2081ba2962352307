"""HTTP/1.1 to an engine over a plain socket: requests, streamed answers, and connections taken over for raw bytes.

Knows bytes on a socket. Must not know commands or what an answer means. Imports nothing heavy, because every
command pays for it at start: http.client alone costs 25 ms. See RFC 9112; section 2 of the Engine API document for
the take-over.
"""

from __future__ import annotations

import _socket
import os

from wherry import errors
from wherry.client import jsontext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from wherry.client.address import Address

MAXIMUM_VERSION = "1.55"
_CHUNK = 65536
_SAFE = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/:@")
_AMBIGUOUS = frozenset(b"/:@")


class CannotConnect(errors.Unavailable):
    """Nobody answers at the address. The first sentence is Docker's: scripts and tools search for it."""

    def __init__(self, host: str, reason: str = "") -> None:
        message = f"Cannot connect to the Docker daemon at {host}. Is the docker daemon running?"
        super().__init__(message, hint=reason)


class SocketForbidden(errors.PermissionDenied):
    def __init__(self, host: str) -> None:
        super().__init__(
            f"permission denied while trying to connect to the Docker daemon socket at {host}",
            hint="join the group that owns the socket, or run the command as root",
        )


class ConnectionLost(errors.Unavailable):
    def __init__(self) -> None:
        super().__init__("error during connect: the engine closed the connection in the middle of an answer")


class EngineError(errors.WherryError):
    """The engine answered with an error status: `status` is HTTP's, `message` the engine's own."""

    def __init__(self, status: int, message: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status


def quote(text: str, *, keep: frozenset[int] = _SAFE) -> str:
    """Percent-encode for a path; slashes stay, as names of images contain them."""
    return "".join(chr(byte) if byte in keep else f"%{byte:02X}" for byte in text.encode("utf-8", "surrogateescape"))


def query(parameters: Iterable[tuple[str, str]]) -> str:
    """`?a=b&c=d`, or "" without parameters."""
    keep = _SAFE - _AMBIGUOUS
    joined = "&".join(f"{quote(name, keep=keep)}={quote(value, keep=keep)}" for name, value in parameters)
    return "?" + joined if joined else ""


class Response:
    """One answer: status and header at once, the body as it comes. Header names are lower case."""

    __slots__ = ("_buffer", "_ended", "_left", "_socket", "headers", "reason", "status")

    def __init__(self, sock: Any, method: str) -> None:
        self._socket = sock
        self._buffer = b""
        self._ended = False
        try:
            self._read_header()
            while self.status == 100:
                self._read_header()
        except BaseException:
            sock.close()
            raise
        self._left = self._body_length(method)

    def _read_header(self) -> None:
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            self._fill()
        head = self._buffer[:end].decode("latin-1").split("\r\n")
        self._buffer = self._buffer[end + 4 :]
        status = head[0].split(" ", 2)
        if len(status) < 2 or not status[0].startswith("HTTP/") or not status[1].isdigit():
            raise errors.Unavailable(f"error during connect: not an HTTP answer: {head[0]!r}")
        self.status = int(status[1])
        self.reason = status[2] if len(status) > 2 else ""
        self.headers = {}
        for line in head[1:]:
            name, _, value = line.partition(":")
            self.headers[name.strip().lower()] = value.strip()

    def _body_length(self, method: str) -> int | None:
        """Bytes to come; -1 for chunks, None until the connection closes."""
        if method == "HEAD" or self.status in (101, 204, 304):
            self._ended = True
            return 0
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            return -1
        length = self.headers.get("content-length")
        return int(length) if length is not None else None

    def _fill(self) -> None:
        data = self._socket.recv(_CHUNK)
        if not data:
            raise ConnectionLost
        self._buffer += data

    def chunks(self) -> Iterator[bytes]:
        """The body in pieces, as soon as each arrives; the connection is closed after the last one."""
        try:
            yield from self._chunked() if self._left == -1 else self._plain()
        finally:
            self._socket.close()

    def _plain(self) -> Iterator[bytes]:
        while not self._ended and self._left != 0:
            data, self._buffer = self._buffer, b""
            data = data or self._socket.recv(_CHUNK)
            if not data:
                if self._left is not None:
                    raise ConnectionLost
                break
            if self._left is not None:
                data = data[: self._left]
                self._left -= len(data)
            yield data
        self._ended = True

    def _chunked(self) -> Iterator[bytes]:
        while not self._ended:
            while (end := self._buffer.find(b"\r\n")) < 0:
                self._fill()
            size = int(self._buffer[:end].split(b";")[0], 16)
            self._buffer = self._buffer[end + 2 :]
            left = size + 2
            while left:
                if not self._buffer:
                    self._fill()
                piece, self._buffer = self._buffer[:left], self._buffer[left:]
                data = piece[: max(0, left - 2)]
                left -= len(piece)
                if data and size:
                    yield data
            self._ended = size == 0

    def lines(self) -> Iterator[bytes]:
        """The body line by line, without the line ends; empty lines are left out."""
        rest = b""
        for chunk in self.chunks():
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                if line := line.strip():
                    yield line
        if rest := rest.strip():
            yield rest

    def read(self) -> bytes:
        return b"".join(self.chunks())

    def json(self) -> Any:
        return jsontext.decode(self.read())

    def close(self) -> None:
        self._socket.close()

    @property
    def descriptor(self) -> int:
        """The connection's file descriptor, to wait for more."""
        return int(self._socket.fileno())

    def take_over(self) -> tuple[Any, bytes]:
        """The socket, and what of the peer's bytes has been read from it already."""
        return self._socket, self._buffer


class Engine:
    """Calls to one engine. Each call has a connection of its own, so answers may be streamed side by side."""

    def __init__(self, address: Address, *, version: str = "", headers: Mapping[str, str] | None = None) -> None:
        self.address = address
        self.prefix = "/v" + version if version else ""
        self._headers = dict(headers or {})

    def connect(self) -> Any:
        """A connected socket. Raises CannotConnect or SocketForbidden."""
        address = self.address
        try:
            return _open(address)
        except PermissionError:
            raise SocketForbidden(address.host) from None
        except OSError as error:
            missing = error.errno in (2, 111)
            raise CannotConnect(address.host, "" if missing else str(error)) from None

    def send(
        self,
        method: str,
        path: str,
        *,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """The answer whatever its status. A body that is not bytes is sent in chunks as it is produced."""
        return Response(self._ask(method, path, body, headers or {}), method)

    def _ask(self, method: str, path: str, body: bytes | Iterable[bytes] | None, headers: Mapping[str, str]) -> Any:
        """Send a request; the connection the answer will come on."""
        sock = self.connect()
        head = [f"{method} {self.prefix}{path} HTTP/1.1", f"Host: {self.address.name}", "User-Agent: wherry"]
        head += [f"{name}: {value}" for name, value in {**self._headers, **headers}.items()]
        if body is None or isinstance(body, bytes):
            content = body or b""
            if body is not None or method in ("POST", "PUT"):
                head.append(f"Content-Length: {len(content)}")
            sock.sendall("\r\n".join([*head, "", ""]).encode("latin-1", "replace") + content)
        else:
            head.append("Transfer-Encoding: chunked")
            sock.sendall("\r\n".join([*head, "", ""]).encode("latin-1", "replace"))
            try:
                for piece in body:
                    if piece:
                        sock.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
                sock.sendall(b"0\r\n\r\n")
            except (BrokenPipeError, ConnectionResetError):
                pass  # an engine that refuses a body answers first and closes: its answer says why
        return sock

    def request_all(self, method: str, paths: Iterable[str]) -> Iterator[Any]:
        """Send all requests at once; for each in turn the decoded body, or the WherryError it led to."""
        connections = [self._asked(method, path) for path in paths]
        for asked in connections:
            try:
                if isinstance(asked, errors.WherryError):
                    raise asked
                answer = Response(asked, method)
                if answer.status >= 400:
                    raise _failure(answer)
                yield self._value(answer)
            except errors.WherryError as error:
                yield error

    def _asked(self, method: str, path: str) -> Any:
        try:
            return self._ask(method, path, None, {})
        except errors.WherryError as error:
            return error

    def request(
        self,
        method: str,
        path: str,
        parameters: Iterable[tuple[str, str]] = (),
        *,
        json: object = None,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """The answer; `json` is sent as the body. Raises EngineError for a status of 400 and above."""
        merged = dict(headers or {})
        if json is not None:
            body = jsontext.encode(json).encode("utf-8", "surrogateescape")
            merged["Content-Type"] = "application/json"
        answer = self.send(method, path + query(parameters), body=body, headers=merged)
        if answer.status >= 400:
            raise _failure(answer)
        return answer

    def get(self, path: str, parameters: Iterable[tuple[str, str]] = ()) -> Any:
        """The decoded body of a GET."""
        return self._value(self.request("GET", path, parameters))

    def post(self, path: str, parameters: Iterable[tuple[str, str]] = (), *, json: object = None) -> Any:
        """The decoded body of a POST, None if there is none."""
        return self._value(self.request("POST", path, parameters, json=json))

    def delete(self, path: str, parameters: Iterable[tuple[str, str]] = ()) -> Any:
        return self._value(self.request("DELETE", path, parameters))

    @staticmethod
    def _value(answer: Response) -> Any:
        body = answer.read()
        return jsontext.decode(body) if body.strip() else None

    def hijack(
        self, path: str, parameters: Iterable[tuple[str, str]] = (), *, json: object = None
    ) -> tuple[Any, bytes, str]:
        """Turn a POST into a raw connection: the socket, bytes already read, the content type of what comes."""
        headers = {"Connection": "Upgrade", "Upgrade": "tcp"}
        body = b""
        if json is not None:
            body = jsontext.encode(json).encode("utf-8", "surrogateescape")
            headers["Content-Type"] = "application/json"
        answer = self.send("POST", path + query(parameters), body=body, headers=headers)
        if answer.status not in (101, 200):
            raise _failure(answer)
        sock, rest = answer.take_over()
        return sock, rest, answer.headers.get("content-type", "")


def _open(address: Address) -> Any:
    if address.scheme != "unix":
        from wherry.client import tcp

        return tcp.connect(address)
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        sock.connect(address.path)
    except OSError:
        sock.close()
        raise
    return sock


def negotiated(engine: Engine) -> str:
    """The API version both sides speak: the lower of ours and the one the engine names."""
    answer = engine.send("HEAD", "/_ping")
    if answer.status != 200:
        answer = engine.send("GET", "/_ping")
    answer.close()
    offered = answer.headers.get("api-version") or MAXIMUM_VERSION
    return min(offered, MAXIMUM_VERSION, key=_numbers)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def version_from_environment() -> str:
    """The version the user insists on, "" to let each call use the newest that the engine has."""
    return os.environ.get("DOCKER_API_VERSION", "").lstrip("v")


def _failure(answer: Response) -> EngineError:
    body = answer.read().decode("utf-8", "replace").strip()
    message, hint = body, ""
    if body.startswith("{"):
        try:
            document = jsontext.decode(body)
            message, hint = str(document.get("message", body)).strip(), str(document.get("hint") or "")
        except ValueError:
            pass
    if not message:
        message = f"request returned {answer.reason or answer.status}"
    return EngineError(answer.status, message, hint)
