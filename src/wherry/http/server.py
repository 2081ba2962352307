"""The HTTP server: listeners, limits and an orderly end.

Knows connections as a set. Must not know routes or how errors are written: a handler turns requests into responses, an
error function turns failures into responses. RFC 9112.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wherry.http.connection import Connection
from wherry.http.message import Request, Response

if TYPE_CHECKING:
    import ssl

__all__ = ["ErrorResponse", "Handler", "Limits", "Listener", "Request", "Response", "Server"]

_log = logging.getLogger(__name__)

Handler = Callable[[Request], Awaitable[Response | None]]
"""None means that the request was hijacked."""
ErrorResponse = Callable[[Exception, Request | None], Response]

_BACKLOG: Final = 1024
_ABORT_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Limits:
    """`connections` over all listeners; `header_seconds` for a head once begun; `idle_seconds` between requests."""

    header_bytes: int = 65536
    header_seconds: float = 30.0
    connections: int = 4096
    idle_seconds: float = 600.0


class Listener:
    """One listening socket being served."""

    def __init__(self, server: asyncio.Server) -> None:
        self._server = server

    def close(self) -> None:
        """Accept no more. Connections go on."""
        self._server.close()


class Server:
    """Answers each request by `handler`. What it raises, and what never became a request, `error` puts into words."""

    def __init__(self, handler: Handler, error: ErrorResponse, limits: Limits | None = None) -> None:
        self.handler = handler
        self.limits = limits or Limits()
        self.closing = False
        self._error = error
        self._connections: set[Connection] = set()
        self._listeners: list[Listener] = []

    async def serve(self, sock: socket.socket, tls: ssl.SSLContext | None = None) -> Listener:
        """Accept connections from `sock`, which becomes ours.

        asyncio pauses accepting for a second when descriptors or memory run out, and goes on after any other error.
        """
        handshake = self.limits.header_seconds if tls is not None else None
        accepting = await asyncio.get_running_loop().create_server(
            lambda: Connection(self), sock=sock, ssl=tls, backlog=_BACKLOG, ssl_handshake_timeout=handshake
        )
        listener = Listener(accepting)
        self._listeners.append(listener)
        return listener

    async def close(self, grace: float) -> None:
        """Accept no more, let running requests (hijacked ones too) finish for `grace` seconds, then abort the rest."""
        self.closing = True
        for listener in self._listeners:
            listener.close()
        for connection in list(self._connections):
            connection.stop()
        await self._settle(grace)
        for connection in list(self._connections):
            connection.abort()
        await self._settle(_ABORT_SECONDS)

    async def _settle(self, seconds: float) -> None:
        tasks = [connection.task for connection in self._connections if connection.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)

    # What a connection calls.

    def admit(self, connection: Connection) -> bool:
        """Register a new connection; False if it is one too many, which then has to be refused."""
        self._connections.add(connection)
        return len(self._connections) <= self.limits.connections

    def forget(self, connection: Connection) -> None:
        self._connections.discard(connection)

    def explain(self, error: Exception, request: Request | None) -> Response:
        """The response for a failure; it never fails itself."""
        try:
            return self._error(error, request)
        except Exception:  # noqa: BLE001 -- a failure to word a failure must not leave the client waiting
            _log.exception("no error response for %r of %r", error, request)
            return Response(500)
