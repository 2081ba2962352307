"""Responses as bytes.

Knows which responses have a body and how it is framed: RFC 9110 section 8.6 and 15, RFC 9112 section 6. Must not know
connections: it gets a transport and an event that is set while the transport takes more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Final, cast

from wherry.http.message import Request, Response

_BODILESS: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
_LINES: Final = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}


def has_body(request: Request, response: Response) -> bool:
    return request.method != "HEAD" and response.status not in _BODILESS


def encode_head(request: Request | None, response: Response, *, keep: bool) -> bytes:
    """The status line and headers, completed by what framing and persistence need. `request` None: not understood.

    Raises ValueError for a header that would break out of its line.
    """
    lines = [_LINES.get(response.status) or f"HTTP/1.1 {response.status} Status\r\n"]
    lines += [f"{name}: {value}\r\n" for name, value in response.headers]
    text = "".join(lines)
    if text.count("\n") != len(lines) or text.count("\r") != len(lines) or "\0" in text:
        raise ValueError(f"line break in a header of {response!r}: {list(response.headers)!r}")
    if "Date" not in response.headers:
        text += _date()
    if response.status not in _BODILESS and "Content-Length" not in response.headers:
        if isinstance(response.body, bytes):
            text += f"Content-Length: {len(response.body)}\r\n"
        elif _chunked(request, response):
            text += "Transfer-Encoding: chunked\r\n"
    if not keep and "Connection" not in response.headers:
        text += "Connection: close\r\n"
    return (text + "\r\n").encode("utf-8", "surrogateescape")


async def send_stream(
    transport: asyncio.Transport, writable: asyncio.Event, request: Request, response: Response, *, keep: bool
) -> bool:
    """Send headers at once and items as they come; whether the connection can be kept."""
    chunked = _chunked(request, response)
    keep = keep and (chunked or "Content-Length" in response.headers)
    transport.write(encode_head(request, response, keep=keep))
    sent = 0
    async for item in cast("AsyncIterator[bytes]", response.body):
        if item:
            sent += len(item)
            transport.write(b"%x\r\n%b\r\n" % (len(item), item) if chunked else item)
            if not writable.is_set():
                await writable.wait()
            if transport.is_closing():
                raise ConnectionResetError
    if chunked:
        transport.write(b"0\r\n\r\n")
    elif sent != int(response.headers.get("Content-Length", str(sent)) or 0):
        raise ValueError(f"{response!r} announced {response.headers.get('Content-Length')} bytes and had {sent}")
    return keep


def _chunked(request: Request | None, response: Response) -> bool:
    return request is not None and request.version == "1.1" and "Content-Length" not in response.headers


class _Clock:
    """The Date header, formatted once a second."""

    second = -1
    line = ""


_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _date() -> str:
    now = int(time.time())
    if now != _Clock.second:
        t = time.gmtime(now)
        day, month = _DAYS[t.tm_wday], _MONTHS[t.tm_mon - 1]
        _Clock.line = (
            f"Date: {day}, {t.tm_mday:02} {month} {t.tm_year} {t.tm_hour:02}:{t.tm_min:02}:{t.tm_sec:02} GMT\r\n"
        )
        _Clock.second = now
    return _Clock.line
