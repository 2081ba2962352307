"""Requests and responses as values the handler sees.

Knows header fields, who is at the other end and how a response names its body. Must not know sockets: a request's
connection is behind `Exchange`. RFC 9110 sections 5 and 6.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Protocol

from wherry.http.body import Body
from wherry.http.target import Query

if TYPE_CHECKING:
    from wherry.http.stream import RawStream

__all__ = ["Body", "Exchange", "Fields", "Headers", "Peer", "Query", "Request", "Response"]


class Headers:
    """Header fields in their order and spelling; names are looked up in any case and may repeat."""

    __slots__ = ("_items",)

    def __init__(self, fields: Fields = ()) -> None:
        pairs = fields.items() if isinstance(fields, Mapping) else fields
        self._items = [(name.lower(), name, value) for name, value in pairs]

    def get(self, name: str, default: str = "") -> str:
        """The first value of `name`."""
        key = name.lower()
        for item in self._items:
            if item[0] == key:
                return item[2]
        return default

    def all(self, name: str) -> list[str]:
        key = name.lower()
        return [item[2] for item in self._items if item[0] == key]

    def tokens(self, name: str) -> set[str]:
        """The comma-separated words of all fields `name`, in lower case."""
        return {word.strip().lower() for value in self.all(name) for word in value.split(",")} - {""}

    def add(self, name: str, value: str) -> None:
        self._items.append((name.lower(), name, value))

    def extend(self, fields: Iterable[tuple[str, str]]) -> None:
        for name, value in fields:
            self.add(name, value)

    def set(self, name: str, value: str) -> None:
        """Replace all fields `name`."""
        self.remove(name)
        self.add(name, value)

    def remove(self, name: str) -> None:
        key = name.lower()
        self._items = [item for item in self._items if item[0] != key]

    def __contains__(self, name: str) -> bool:
        key = name.lower()
        return any(item[0] == key for item in self._items)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((name, value) for _, name, value in self._items)

    def __repr__(self) -> str:
        return f"Headers({list(self)!r})"


Fields = Mapping[str, str] | Iterable[tuple[str, str]] | Headers
"""What a `Headers` can be made of."""


@dataclass(frozen=True)
class Peer:
    """Who is at the other end. Unix: `pid`, `uid`, `gid` of the process that connected. TCP: `address` "host:port", and
    `subject` "CN=…,O=…" of the certificate that the client proved to own."""

    kind: Literal["unix", "tcp"]
    pid: int | None = None
    uid: int | None = None
    gid: int | None = None
    address: str = ""
    subject: str = ""


class Exchange(Protocol):
    """The connection as one request sees it."""

    @property
    def disconnected(self) -> asyncio.Event: ...

    async def hijack(self, head: bytes) -> RawStream: ...


class Request:
    """One request. `path` is decoded, `target` is not; `version` is "1.1" or "1.0"."""

    def __init__(
        self,
        method: str,
        path: str,
        *,
        query: bytes = b"",
        headers: Headers,
        body: Body,
        peer: Peer,
        target: str,
        version: str,
        exchange: Exchange,
    ) -> None:
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self.peer = peer
        self.target = target
        self.version = version
        self._raw_query = query
        self._exchange = exchange

    @cached_property
    def query(self) -> Query:
        return Query(self._raw_query)

    @property
    def disconnected(self) -> asyncio.Event:
        """Set when the client is gone (TCP: has closed its side). The handler chooses what to do about it."""
        return self._exchange.disconnected

    async def hijack(self, head: bytes) -> RawStream:
        """Answer `head` verbatim and take the connection over. Bytes that came behind the request are read first.

        The stream lives as long as the handler, which then returns None. Raises ClientGone.
        """
        return await self._exchange.hijack(head)

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.target!r}>"


class Response:
    """An answer. A `bytes` body is sent with its length. With an iterator the headers go out at once, then each item as
    it comes: plain if the headers tell a Content-Length, otherwise in chunks. It is closed when the client leaves."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int = 200, headers: Fields = (), body: bytes | AsyncIterator[bytes] = b"") -> None:
        self.status = status
        self.headers = headers if isinstance(headers, Headers) else Headers(headers)
        self.body = body

    def __repr__(self) -> str:
        return f"<Response {self.status}>"
