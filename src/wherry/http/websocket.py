"""WebSockets on the server side: binary messages over a connection that was taken over.

Knows RFC 6455: the opening handshake, frames, fragments, control frames, closing. Must not know what the messages mean.
`Decoder` and `encode` are pure; `WebSocket` is the little that needs a connection.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from wherry.http.refusals import Refused

if TYPE_CHECKING:
    from wherry.http.message import Request
    from wherry.http.stream import RawStream

MAX_MESSAGE: Final = 16 * 1024 * 1024

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY_BYTES: Final = 16
_SHORT: Final = 125
_TWO_BYTES: Final = 126
_EIGHT_BYTES: Final = 127


class Opcode(IntEnum):
    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class Code(IntEnum):
    """Why a connection was closed, section 7.4.1."""

    NORMAL = 1000
    PROTOCOL_ERROR = 1002
    INVALID_TEXT = 1007
    TOO_LARGE = 1009


@dataclass(frozen=True)
class Message:
    """A whole message, or a control frame."""

    opcode: Opcode
    data: bytes


class NotWebSocket(Refused):
    def __init__(self, reason: str) -> None:
        super().__init__(f"not a websocket request: {reason}")


class Violation(Exception):
    def __init__(self, code: Code, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def accept_key(key: str) -> str:
    """What proves to the client that we speak its protocol: Sec-WebSocket-Accept for a Sec-WebSocket-Key."""
    digest = hashlib.sha1(key.encode("ascii") + _GUID, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode("ascii")


def encode(opcode: Opcode, data: bytes) -> bytes:
    """One whole unmasked frame, as servers send them."""
    if len(data) <= _SHORT:
        return struct.pack("!BB", 0x80 | opcode, len(data)) + data
    if len(data) <= 0xFFFF:
        return struct.pack("!BBH", 0x80 | opcode, _TWO_BYTES, len(data)) + data
    return struct.pack("!BBQ", 0x80 | opcode, _EIGHT_BYTES, len(data)) + data


def mask(data: bytes, key: bytes) -> bytes:
    """`data` combined with a key of four bytes; twice gives `data` again."""
    size = len(data)
    pad = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "little") ^ int.from_bytes(pad, "little")).to_bytes(size, "little")


@dataclass(frozen=True)
class _Frame:
    final: bool
    opcode: Opcode
    data: bytes


class Decoder:
    """Bytes from a client, in any pieces, as messages. Raises Violation, after which nothing more can be decoded."""

    def __init__(self, limit: int = MAX_MESSAGE) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._opcode: Opcode | None = None
        self._fragments: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[Message]:
        self._buffer += data
        messages = []
        while (frame := self._take_frame()) is not None:
            message = self._take(frame)
            if message is not None:
                messages.append(message)
        return messages

    def _take_frame(self) -> _Frame | None:
        """The next frame if it is complete; what is wrong with its first bytes is noticed at once."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        opcode = self._check(buffer[0], buffer[1])
        size, start = buffer[1] & 0x7F, 2
        if size >= _TWO_BYTES:
            form = "!H" if size == _TWO_BYTES else "!Q"
            start += struct.calcsize(form)
            if len(buffer) < start:
                return None
            (size,) = struct.unpack_from(form, buffer, 2)
        if self._size + size > self._limit:
            raise Violation(Code.TOO_LARGE, f"message larger than {self._limit} bytes")
        end = start + 4 + size
        if len(buffer) < end:
            return None
        key, data = bytes(buffer[start : start + 4]), bytes(buffer[start + 4 : end])
        frame = _Frame(bool(buffer[0] & 0x80), opcode, mask(data, key))
        del buffer[:end]
        return frame

    def _check(self, first: int, second: int) -> Opcode:
        if first & 0x70:
            raise Violation(Code.PROTOCOL_ERROR, "reserved bits set")
        if not second & 0x80:
            raise Violation(Code.PROTOCOL_ERROR, "frame not masked")
        try:
            opcode = Opcode(first & 0x0F)
        except ValueError:
            raise Violation(Code.PROTOCOL_ERROR, "unknown opcode") from None
        if opcode >= Opcode.CLOSE:
            if not first & 0x80 or second & 0x7F > _SHORT:
                raise Violation(Code.PROTOCOL_ERROR, "control frame fragmented or too long")
        elif (opcode == Opcode.CONTINUATION) != (self._opcode is not None):
            raise Violation(Code.PROTOCOL_ERROR, "fragments out of order")
        return opcode

    def _take(self, frame: _Frame) -> Message | None:
        if frame.opcode >= Opcode.CLOSE:
            return Message(frame.opcode, frame.data)
        if frame.opcode != Opcode.CONTINUATION:
            self._opcode = frame.opcode
        self._fragments.append(frame.data)
        self._size += len(frame.data)
        if not frame.final or self._opcode is None:
            return None
        message = Message(self._opcode, b"".join(self._fragments))
        self._opcode, self._fragments, self._size = None, [], 0
        if message.opcode == Opcode.TEXT:
            _check_text(message.data)
        return message


def _check_text(data: bytes) -> None:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        raise Violation(Code.INVALID_TEXT, "text is not UTF-8") from None


class WebSocket:
    """Messages to and from one client. Pings are answered; text and binary messages are taken alike."""

    def __init__(self, raw: RawStream, limit: int = MAX_MESSAGE) -> None:
        self._raw = raw
        self._decoder = Decoder(limit)
        self._messages: list[Message] = []
        self._closing = False

    async def receive(self) -> bytes | None:
        """The next message; None once the client has closed, left, or broken the protocol."""
        while True:
            while self._messages:
                message = self._messages.pop(0)
                if message.opcode in (Opcode.TEXT, Opcode.BINARY):
                    return message.data
                if message.opcode == Opcode.PING:
                    await self._reply(Opcode.PONG, message.data)
                elif message.opcode == Opcode.CLOSE:
                    await self._say_goodbye(message.data[:2])
                    return None
            data = await self._raw.read()
            if not data:
                return None
            try:
                self._messages = self._decoder.feed(data)
            except Violation as violation:
                await self._say_goodbye(struct.pack("!H", violation.code) + str(violation).encode())
                return None

    async def send(self, data: bytes) -> None:
        """Send a binary message. Raises ConnectionResetError once either side has closed."""
        if self._closing:
            raise ConnectionResetError("the websocket is closed")
        await self._raw.write(encode(Opcode.BINARY, data))

    async def close(self, code: Code = Code.NORMAL) -> None:
        """Say goodbye and end the connection."""
        await self._say_goodbye(struct.pack("!H", code))
        await self._raw.close()

    async def _say_goodbye(self, payload: bytes) -> None:
        if not self._closing:
            self._closing = True
            await self._reply(Opcode.CLOSE, payload)

    async def _reply(self, opcode: Opcode, payload: bytes) -> None:
        with contextlib.suppress(ConnectionError):  # the next read tells
            await self._raw.write(encode(opcode, payload))


async def accept(request: Request, limit: int = MAX_MESSAGE) -> WebSocket:
    """Complete the opening handshake. Raises NotWebSocket, after which the request can still be answered."""
    headers = request.headers
    if request.method != "GET" or "websocket" not in headers.tokens("Upgrade"):
        raise NotWebSocket("no Upgrade: websocket")
    if "upgrade" not in headers.tokens("Connection"):
        raise NotWebSocket("no Connection: Upgrade")
    if headers.get("Sec-WebSocket-Version") != "13":
        raise NotWebSocket("Sec-WebSocket-Version is not 13")
    key = headers.get("Sec-WebSocket-Key")
    try:
        valid = len(base64.b64decode(key, validate=True)) == _KEY_BYTES
    except (binascii.Error, ValueError):
        valid = False
    if not valid:
        raise NotWebSocket("invalid Sec-WebSocket-Key")
    head = (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept_key(key)}\r\n\r\n"
    )
    return WebSocket(await request.hijack(head.encode("ascii")), limit)
