"""A rtnetlink socket in one network namespace: links, addresses and routes.

Each request is one message; several can be sent as a batch, which costs one system call each way. An error is an OSError
with the kernel's own words. Knows rtnetlink(7) and the attributes of veth and bridge links (if_link.h). No policy.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from wherry.linux.netlink import codec

RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK = 16, 17, 18
RTM_NEWADDR, RTM_GETADDR = 20, 22
RTM_NEWROUTE, RTM_GETROUTE = 24, 26

IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_MASTER = 1, 3, 4, 10
IFLA_LINKINFO, IFLA_NET_NS_FD, IFLA_INFO_KIND, IFLA_INFO_DATA, VETH_INFO_PEER = 18, 28, 1, 2, 1
IFA_ADDRESS, IFA_LOCAL, IFA_BROADCAST = 1, 2, 4
RTA_DST, RTA_OIF, RTA_GATEWAY = 1, 4, 5
IFF_UP = 1

_RT_TABLE_MAIN, _RTPROT_BOOT, _RT_SCOPE_UNIVERSE, _RTN_UNICAST = 254, 3, 0, 1
_SOL_NETLINK, _NETLINK_EXT_ACK, _NETLINK_CAP_ACK = 270, 11, 10

_LINK = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBI")
_ROUTE = struct.Struct("=BBBBBBBBI")

Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Link:
    index: int
    name: str
    up: bool
    master: int
    kind: str
    mac: str


@dataclass(frozen=True, slots=True)
class Message:
    """A request not yet sent; `what` names it in errors."""

    kind: int
    flags: int
    body: bytes
    what: str


def link_add(
    name: str,
    kind: str,
    *,
    mac: str = "",
    mtu: int = 0,
    master: int = 0,
    peer: Message | None = None,
    netns_fd: int | None = None,
    up: bool = True,
) -> Message:
    """A new link; for a veth `peer` is `veth_peer(...)`."""
    info = [codec.text(IFLA_INFO_KIND, kind)]
    if peer:
        info.append(codec.nested(IFLA_INFO_DATA, codec.attribute(VETH_INFO_PEER, peer.body)))
    body = _link_body(0, name=name, mac=mac, mtu=mtu, master=master, netns_fd=netns_fd, up=up)
    flags = codec.NLM_F_CREATE | codec.NLM_F_EXCL
    return Message(RTM_NEWLINK, flags, body + codec.nested(IFLA_LINKINFO, *info), f"add link {name}")




def veth_peer(name: str, *, mac: str = "", mtu: int = 0, netns_fd: int | None = None) -> Message:
    """The other end of a veth, in another namespace from the start. It cannot be brought up in the same message."""
    return Message(RTM_NEWLINK, 0, _link_body(0, name=name, mac=mac, mtu=mtu, netns_fd=netns_fd), f"add link {name}")


def link_set(index: int, *, name: str = "", mac: str = "", mtu: int = 0, master: int = 0, up: bool = True) -> Message:
    return Message(RTM_NEWLINK, 0, _link_body(index, name=name, mac=mac, mtu=mtu, master=master, up=up), "set link")


def link_delete(index: int) -> Message:
    return Message(RTM_DELLINK, 0, _link_body(index), "delete link")


def address_add(index: int, address: Interface) -> Message:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    body = _ADDRESS.pack(family, address.network.prefixlen, 0, 0, index)
    body += codec.attribute(IFA_LOCAL, address.ip.packed) + codec.attribute(IFA_ADDRESS, address.ip.packed)
    if address.version == 4 and address.network.prefixlen < 31:
        body += codec.attribute(IFA_BROADCAST, address.network.broadcast_address.packed)
    return Message(RTM_NEWADDR, codec.NLM_F_CREATE | codec.NLM_F_EXCL, body, f"add address {address}")


def route_add(gateway: Address, *, destination: Network | None = None, index: int = 0) -> Message:
    """A route through a gateway, the default route without a destination."""
    family = socket.AF_INET if gateway.version == 4 else socket.AF_INET6
    prefix = destination.prefixlen if destination else 0
    body = _ROUTE.pack(
        family, prefix, 0, 0, _RT_TABLE_MAIN, _RTPROT_BOOT, _RT_SCOPE_UNIVERSE, _RTN_UNICAST, 0
    ) + codec.attribute(RTA_GATEWAY, gateway.packed)
    if destination:
        body += codec.attribute(RTA_DST, destination.network_address.packed)
    if index:
        body += codec.u32(RTA_OIF, index)
    what = f"add route to {destination or 'default'} via {gateway}"
    return Message(RTM_NEWROUTE, codec.NLM_F_CREATE | codec.NLM_F_EXCL, body, what)


def _link_body(
    index: int,
    *,
    name: str = "",
    mac: str = "",
    mtu: int = 0,
    master: int = 0,
    netns_fd: int | None = None,
    up: bool = False,
) -> bytes:
    flags = IFF_UP if up else 0
    parts = [_LINK.pack(socket.AF_UNSPEC, 0, index, flags, flags)]
    if name:
        parts.append(codec.text(IFLA_IFNAME, name))
    if mac:
        parts.append(codec.attribute(IFLA_ADDRESS, bytes.fromhex(mac.replace(":", ""))))
    if mtu:
        parts.append(codec.u32(IFLA_MTU, mtu))
    if master:
        parts.append(codec.u32(IFLA_MASTER, master))
    if netns_fd is not None:
        parts.append(codec.u32(IFLA_NET_NS_FD, netns_fd))
    return b"".join(parts)


class Route:
    """Opened in the network namespace of the calling thread, and stays in it. Safe on any thread."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self._socket.setsockopt(_SOL_NETLINK, _NETLINK_EXT_ACK, 1)
        self._socket.setsockopt(_SOL_NETLINK, _NETLINK_CAP_ACK, 1)
        self._socket.bind((0, 0))
        self._sequence = 0
        self._lock = threading.Lock()

    def run(self, *requests: Message) -> None:
        """Have the kernel do all of them, in order; the first error is raised, what came before it stays done."""
        with self._lock:
            waiting: dict[int, str] = {}
            batch = []
            for request in requests:
                self._sequence += 1
                waiting[self._sequence] = request.what
                batch.append(codec.message(request.kind, request.flags | codec.NLM_F_ACK, self._sequence, request.body))
            self._socket.send(b"".join(batch))
            failure: OSError | None = None
            while waiting:
                for kind, flags, sequence, body in codec.messages(self._socket.recv(1 << 16)):
                    if kind == codec.NLMSG_ERROR and sequence in waiting:
                        failed = codec.error(flags, body, waiting.pop(sequence))
                        failure = failure or failed
            if failure:
                raise failure

    def _dump(self, kind: int, body: bytes) -> list[bytes]:
        with self._lock:
            self._sequence += 1
            self._socket.send(codec.message(kind, codec.NLM_F_DUMP, self._sequence, body))
            found: list[bytes] = []
            while True:
                for answer, flags, sequence, content in codec.messages(self._socket.recv(1 << 18)):
                    if sequence != self._sequence:
                        continue
                    if answer == codec.NLMSG_DONE:
                        return found
                    if answer == codec.NLMSG_ERROR:
                        raise codec.error(flags, content, "dump") or OSError(errno.EIO, "dump: no answer")
                    found.append(content)

    def links(self) -> list[Link]:
        found = []
        for content in self._dump(RTM_GETLINK, _LINK.pack(socket.AF_UNSPEC, 0, 0, 0, 0)):
            _, _, index, flags, _ = _LINK.unpack_from(content)
            fields = codec.attributes(content[_LINK.size :])
            info = codec.attributes(fields.get(IFLA_LINKINFO, b""))
            found.append(
                Link(
                    index,
                    _string(fields.get(IFLA_IFNAME, b"")),
                    bool(flags & IFF_UP),
                    int.from_bytes(fields.get(IFLA_MASTER, b""), "little"),
                    _string(info.get(IFLA_INFO_KIND, b"")),
                    fields.get(IFLA_ADDRESS, b"").hex(":"),
                )
            )
        return found

    def link(self, name: str) -> Link | None:
        return next((link for link in self.links() if link.name == name), None)

    def addresses(self) -> list[tuple[int, Interface]]:
        """Index of the link and address, for all links."""
        found = []
        for content in self._dump(RTM_GETADDR, _ADDRESS.pack(socket.AF_UNSPEC, 0, 0, 0, 0)):
            _, prefix, _, _, index = _ADDRESS.unpack_from(content)
            fields = codec.attributes(content[_ADDRESS.size :])
            packed = fields.get(IFA_LOCAL) or fields.get(IFA_ADDRESS)
            if packed:
                found.append((index, ipaddress.ip_interface((packed, prefix))))
        return found

    def routes(self) -> list[Network]:
        """Destinations of all routes but the default ones, in every table."""
        found = []
        for content in self._dump(RTM_GETROUTE, _ROUTE.pack(socket.AF_UNSPEC, 0, 0, 0, 0, 0, 0, 0, 0)):
            prefix = _ROUTE.unpack_from(content)[1]
            destination = codec.attributes(content[_ROUTE.size :]).get(RTA_DST)
            if destination and prefix:
                found.append(ipaddress.ip_network((destination, prefix), strict=False))
        return found

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _string(value: bytes) -> str:
    return value.rstrip(b"\0").decode("utf-8", "replace")
