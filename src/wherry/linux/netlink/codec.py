"""Netlink messages as bytes: headers, attributes, and the answers of the kernel.

Knows the layouts of netlink(7) and rtnetlink(7). No socket.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass

NLM_F_REQUEST = 0x1
NLM_F_ACK = 0x4
NLM_F_DUMP_INTR = 0x10
NLM_F_DUMP = 0x300
NLM_F_REPLACE = 0x100
NLM_F_EXCL = 0x200
NLM_F_CREATE = 0x400
NLM_F_CAPPED = 0x100
NLM_F_ACK_TLVS = 0x200

NLMSG_ERROR = 2
NLMSG_DONE = 3

NLA_F_NESTED = 0x8000
_NLA_TYPE_MASK = 0x3FFF
_NLMSGERR_ATTR_MSG = 1

_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")

Attributes = dict[int, bytes]


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, padded to four bytes."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + bytes(-len(value) % 4)


def nested(kind: int, *attributes: bytes) -> bytes:
    return attribute(kind | NLA_F_NESTED, b"".join(attributes))


def text(kind: int, value: str) -> bytes:
    return attribute(kind, value.encode() + b"\0")


def u8(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("=B", value))


def u32(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("=I", value))


def message(kind: int, flags: int, sequence: int, body: bytes) -> bytes:
    return _HEADER.pack(_HEADER.size + len(body), kind, flags | NLM_F_REQUEST, sequence, 0) + body


@dataclass(frozen=True, slots=True)
class Answer:
    """A message of the kernel. `port` is that of the socket whose request it is about, in notices to a group."""

    kind: int
    flags: int
    sequence: int
    port: int
    body: bytes


def answers(data: bytes) -> Iterator[Answer]:
    """The messages in what one recv(2) gave."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, flags, sequence, port = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size:
            return
        yield Answer(kind, flags, sequence, port, data[offset + _HEADER.size : offset + length])
        offset += length + (-length % 4)


def attributes(data: bytes) -> Attributes:
    """The attributes in `data` by their kind."""
    found: Attributes = {}
    offset = 0
    while offset + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < _ATTRIBUTE.size:
            break
        found[kind & _NLA_TYPE_MASK] = data[offset + _ATTRIBUTE.size : offset + length]
        offset += length + (-length % 4)
    return found


def error(flags: int, body: bytes, what: str) -> OSError | None:
    """The failure in the body of an NLMSG_ERROR, with the kernel's own words if it gave any; None for success."""
    number = -int(struct.unpack_from("=i", body)[0])
    if number == 0:
        return None
    reason = os.strerror(number)
    if flags & NLM_F_ACK_TLVS:
        original = struct.unpack_from("=I", body, 4)[0]
        start = 4 + (_HEADER.size if flags & NLM_F_CAPPED else original + (-original % 4))
        said = attributes(body[start:]).get(_NLMSGERR_ATTR_MSG)
        if said:
            reason = f"{reason} ({_words(said)})"
    return OSError(number, f"{what}: {reason}")


def _words(said: bytes) -> str:
    return said.rstrip(b"\0").decode("utf-8", "replace")
