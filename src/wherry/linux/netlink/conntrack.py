"""Flows that the kernel remembers, to be forgotten when where they lead to has changed: ctnetlink.

A UDP flow keeps the translation of its first packet for as long as packets come. Knows nfnetlink and the attributes of
linux/netfilter/nfnetlink_conntrack.h. IPv4 only. Must not know why a port matters.
"""

from __future__ import annotations

import errno
import socket
import struct

from wherry.linux.netlink import codec
from wherry.linux.netlink.channel import Channel, Request

NETLINK_NETFILTER = 12
_SUBSYSTEM = 1 << 8
_GET, _DELETE = _SUBSYSTEM | 1, _SUBSYSTEM | 2

_CTA_TUPLE_ORIG, _CTA_ID, _CTA_FILTER = 1, 12, 25
_CTA_TUPLE_IP, _CTA_TUPLE_PROTO = 1, 2
_CTA_PROTO_NUM, _CTA_PROTO_SRC_PORT, _CTA_PROTO_DST_PORT = 1, 2, 3
_CTA_FILTER_ORIG_FLAGS, _CTA_FILTER_REPLY_FLAGS = 1, 2
_FILTER_PROTO_NUM, _FILTER_PROTO_DST_PORT = 1 << 3, 1 << 5

_NFGENMSG = struct.pack(">BBH", socket.AF_INET, 0, 0)


class Conntrack:
    """In the network namespace of the thread that opens it. Safe on any thread."""

    def __init__(self) -> None:
        self._channel = Channel(NETLINK_NETFILTER)

    def forget_udp(self, port: int) -> int:
        """Forget all UDP flows whose first packet went to `port` of any address; how many there were."""
        deletions = []
        for body in self._channel.dump(_flows_to(port)):
            fields = codec.attributes(body[len(_NFGENMSG) :])
            original = fields.get(_CTA_TUPLE_ORIG, b"")
            if _destination(original) == (socket.IPPROTO_UDP, port):
                identity = codec.attribute(_CTA_TUPLE_ORIG | codec.NLA_F_NESTED, original)
                if _CTA_ID in fields:
                    identity += codec.attribute(_CTA_ID, fields[_CTA_ID])
                deletions.append(Request(_DELETE, 0, _NFGENMSG + identity, "forget flow"))
        for deletion in deletions:
            try:
                self._channel.run(deletion)
            except OSError as error:
                if error.errno != errno.ENOENT:  # it has ended by itself
                    raise
        return len(deletions)

    def close(self) -> None:
        self._channel.close()


def _flows_to(port: int) -> Request:
    """A dump that the kernel filters (since 5.8; an older one ignores the filter and gives all)."""
    protocol = codec.nested(
        _CTA_TUPLE_PROTO,
        codec.u8(_CTA_PROTO_NUM, socket.IPPROTO_UDP),
        codec.attribute(_CTA_PROTO_DST_PORT, struct.pack(">H", port)),
    )
    flags = codec.u32(_CTA_FILTER_ORIG_FLAGS, _FILTER_PROTO_NUM | _FILTER_PROTO_DST_PORT)
    wanted = codec.nested(_CTA_FILTER, flags, codec.u32(_CTA_FILTER_REPLY_FLAGS, 0))
    return Request(_GET, 0, _NFGENMSG + codec.nested(_CTA_TUPLE_ORIG, protocol) + wanted, "list flows")


def _destination(flow: bytes) -> tuple[int, int]:
    """Protocol and destination port of a tuple; zeros for protocols without ports."""
    fields = codec.attributes(codec.attributes(flow).get(_CTA_TUPLE_PROTO, b""))
    number, port = fields.get(_CTA_PROTO_NUM, b"\0"), fields.get(_CTA_PROTO_DST_PORT, b"\0\0")
    return number[0], struct.unpack(">H", port)[0]
