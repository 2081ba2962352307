"""An engine that answers with prepared documents, for tests that compare clients with each other.

Listens on a unix socket; keeps every request. A route is a method and a path without its version prefix; an answer is
a document, (status, document), raw bytes, or a function that takes over the connection.
"""

from __future__ import annotations

import json
import re
import socketserver
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

VERSION = re.compile(r"^/v\d+\.\d+(?=/)")


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, list[str]]
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Raw:
    """An answer that is not JSON."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Answer = Any


class CannedEngine:
    """Use it as a context manager; `routes` may be changed at any time, `requests` grows.

    `answer`, if set, is asked before the routes; it returns None to leave a request to them.
    """

    def __init__(self, directory: Path, *, api_version: str = "1.50") -> None:
        self.socket = directory / "engine.sock"
        self.api_version = api_version
        self.routes: dict[tuple[str, str], Answer] = {}
        self.requests: list[Request] = []
        self.answer: Callable[[Request], Answer | None] = lambda request: None
        self._server = _Server(str(self.socket), _Exchange)
        self._server.engine = self

    @property
    def host(self) -> str:
        return f"unix://{self.socket}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def sent(self, method: str, path: str) -> list[Request]:
        """The requests of one route."""
        return [request for request in self.requests if (request.method, request.path) == (method, path)]


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 128
    engine: CannedEngine

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves early is no error here."""


class _Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def address_string(self) -> str:
        return "client"

    def log_message(self, format: str, *arguments: Any) -> None:
        pass

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            pieces = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _serve(self) -> None:
        engine = self.server.engine
        parts = urlsplit(self.path)
        path = VERSION.sub("", parts.path)
        request = Request(
            self.command,
            path,
            parse_qs(parts.query, keep_blank_values=True),
            self._body(),
            {name.lower(): value for name, value in self.headers.items()},
        )
        if path == "/_ping":
            self._reply(Raw(b"" if self.command == "HEAD" else b"OK", headers={"Content-Type": "text/plain"}))
            return
        engine.requests.append(request)
        answer = engine.answer(request) or engine.routes.get((self.command, path), (404, {"message": "page not found"}))
        if callable(answer):
            self.close_connection = True
            answer(self)
        else:
            self._reply(answer)

    def _reply(self, answer: Answer) -> None:
        if isinstance(answer, Raw):
            raw = answer
        else:
            status, document = answer if isinstance(answer, tuple) else (200, answer)
            body = b"" if document is None else json.dumps(document).encode()
            raw = Raw(body, 204 if document is None and status == 200 else status, {"Content-Type": "application/json"})
        self.send_response(raw.status)
        for name, value in raw.headers.items():
            self.send_header(name, value)
        self.send_header("Api-Version", self.server.engine.api_version)
        self.send_header("Ostype", "linux")
        self.send_header("Content-Length", str(len(raw.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw.body)

    do_GET = do_POST = do_DELETE = do_HEAD = do_PUT = _serve
