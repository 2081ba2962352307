"""The head of a message, cut off a byte stream at exactly its last byte.

Knows httptools, which is told nothing but heads: it cannot say where a message ended, and a hijack has to know. Must
not know bodies (see `framing`). RFC 9112 sections 2 to 5.
"""

from __future__ import annotations

import httptools

from wherry.http.refusals import HeadersTooLarge, Malformed

_END = b"\r\n\r\n"


class _Head:
    """What request and response heads have in common: fed until `complete`, then `fields` and `version` are set."""

    _parser: httptools.HttpRequestParser | httptools.HttpResponseParser | None

    def __init__(self, limit: int) -> None:
        self.complete = False
        self.fields: list[tuple[str, str]] = []
        self.version = ""
        self.keep_alive = False
        self.started = False
        self._limit = limit
        self._size = 0
        self._tail = b""

    def feed(self, data: bytes) -> bytes | None:
        """The bytes in `data` behind the head, None while it is unfinished. Raises Malformed, HeadersTooLarge."""
        start = 0
        self.started = True
        while True:
            cut = self._end(data, start)
            piece = data[start:cut]
            self._size += len(piece)
            if self._size > self._limit:
                raise HeadersTooLarge(self._limit)
            self._parse(piece)
            if self.complete:
                self._parser = None  # holds our bound methods: a cycle for every request otherwise
                return data[cut:]
            if cut == len(data):
                self._tail = (self._tail + piece)[-3:]
                return None
            start, self._tail = cut, b""

    def _end(self, data: bytes, start: int) -> int:
        """Where to stop parsing: behind the next empty line, or at the end of the data."""
        if self._tail:
            joint = (self._tail + data[start : start + 3]).find(_END)
            if joint >= 0:
                return start + joint + 4 - len(self._tail)
        found = data.find(_END, start)
        return len(data) if found < 0 else found + 4

    def _parse(self, piece: bytes) -> None:
        assert self._parser is not None
        try:
            self._parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            pass  # what follows is the caller's either way
        except httptools.HttpParserError as error:
            raise Malformed(str(error) or "not HTTP/1.1") from error

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name.decode("latin-1"), value.decode("utf-8", "surrogateescape")))

    def on_headers_complete(self) -> None:
        assert self._parser is not None
        self.complete = True
        self.version = self._parser.get_http_version()
        self.keep_alive = self._parser.should_keep_alive()


class RequestHead(_Head):
    """A request's method and raw target besides."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.method = ""
        self.target = b""
        self._parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        assert self._parser is not None
        self.method = self._parser.get_method().decode("ascii")


class ResponseHead(_Head):
    """A response's status besides."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.status = 0
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        assert self._parser is not None
        self.status = self._parser.get_status_code()
