"""Links, addresses and routes of one network namespace, through rtnetlink(7).

Functions make requests, `Route.run` has the kernel do any number of them in one send. An error is an OSError with the
kernel's own words. Knows the attributes of veth and bridge links (linux/if_link.h). No policy.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from wherry.linux.netlink import codec
from wherry.linux.netlink.channel import Channel, Request

_RTM_NEWLINK, _RTM_DELLINK, _RTM_GETLINK = 16, 17, 18
_RTM_NEWADDR, _RTM_DELADDR, _RTM_GETADDR = 20, 21, 22
_RTM_NEWROUTE, _RTM_GETROUTE = 24, 26

_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_MTU, _IFLA_MASTER, _IFLA_LINKINFO, _IFLA_NET_NS_FD = 1, 3, 4, 10, 18, 28
_IFLA_INFO_KIND, _IFLA_INFO_DATA, _IFLA_INFO_SLAVE_KIND, _IFLA_INFO_SLAVE_DATA = 1, 2, 4, 5
_VETH_INFO_PEER, _IFLA_BRPORT_MODE, _IFLA_BRPORT_ISOLATED = 1, 4, 33
_IFA_ADDRESS, _IFA_LOCAL, _IFA_BROADCAST = 1, 2, 4
_RTA_DST, _RTA_OIF, _RTA_GATEWAY = 1, 4, 5
_IFF_UP = 1

_RT_TABLE_MAIN, _RTPROT_BOOT, _RT_SCOPE_UNIVERSE, _RTN_UNICAST = 254, 3, 0, 1
_IPV4, _SHORTEST_WITH_BROADCAST = 4, 30

_LINK = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBI")
_ROUTE = struct.Struct("=BBBBBBBBI")
_U32 = struct.Struct("=I")

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


def link_add(
    name: str, kind: str, *, mac: str = "", mtu: int = 0, master: int = 0, peer: Request | None = None
) -> Request:
    """A new link, up; for a veth `peer` is `veth_peer(...)`."""
    info = [codec.text(_IFLA_INFO_KIND, kind)]
    if peer:
        info.append(codec.nested(_IFLA_INFO_DATA, codec.attribute(_VETH_INFO_PEER, peer.body)))
    body = _link_body(0, name=name, mac=mac, mtu=mtu, master=master, up=True)
    flags = codec.NLM_F_CREATE | codec.NLM_F_EXCL
    return Request(_RTM_NEWLINK, flags, body + codec.nested(_IFLA_LINKINFO, *info), f"add link {name}")


def veth_peer(name: str, *, mac: str = "", mtu: int = 0, netns_fd: int | None = None) -> Request:
    """The other end of a veth, in another namespace from the start. It is down: the kernel refuses IFF_UP here."""
    return Request(_RTM_NEWLINK, 0, _link_body(0, name=name, mac=mac, mtu=mtu, netns_fd=netns_fd), f"add link {name}")


def link_up(index: int) -> Request:
    return Request(_RTM_NEWLINK, 0, _link_body(index, up=True), "set link up")


def link_set(index: int, *, name: str = "", mac: str = "", mtu: int = 0, master: int = 0) -> Request:
    """Change what is given and leave the rest."""
    return Request(_RTM_NEWLINK, 0, _link_body(index, name=name, mac=mac, mtu=mtu, master=master), "set link")


def port_set(index: int, *, hairpin: bool, isolated: bool) -> Request:
    """How a bridge treats a port: whether frames may leave by where they came, and not go to other isolated ports."""
    modes = (codec.u8(_IFLA_BRPORT_MODE, hairpin), codec.u8(_IFLA_BRPORT_ISOLATED, isolated))
    port = codec.nested(_IFLA_INFO_SLAVE_DATA, *modes)
    info = codec.nested(_IFLA_LINKINFO, codec.text(_IFLA_INFO_SLAVE_KIND, "bridge"), port)
    return Request(_RTM_NEWLINK, 0, _link_body(index) + info, "set bridge port")


def link_delete(index: int) -> Request:
    return Request(_RTM_DELLINK, 0, _link_body(index), "delete link")


def address_add(index: int, address: Interface) -> Request:
    body = _address_body(index, address)
    if address.version == _IPV4 and address.network.prefixlen <= _SHORTEST_WITH_BROADCAST:
        body += codec.attribute(_IFA_BROADCAST, address.network.broadcast_address.packed)
    return Request(_RTM_NEWADDR, codec.NLM_F_CREATE | codec.NLM_F_EXCL, body, f"add address {address}")


def address_delete(index: int, address: Interface) -> Request:
    return Request(_RTM_DELADDR, 0, _address_body(index, address), f"delete address {address}")


def route_add(
    gateway: Address, *, destination: Network | None = None, index: int = 0, replace: bool = False
) -> Request:
    """A route through a gateway; the default route without a destination."""
    prefix = destination.prefixlen if destination else 0
    body = _ROUTE.pack(
        _family(gateway), prefix, 0, 0, _RT_TABLE_MAIN, _RTPROT_BOOT, _RT_SCOPE_UNIVERSE, _RTN_UNICAST, 0
    ) + codec.attribute(_RTA_GATEWAY, gateway.packed)
    if destination:
        body += codec.attribute(_RTA_DST, destination.network_address.packed)
    if index:
        body += codec.u32(_RTA_OIF, index)
    flags = codec.NLM_F_CREATE | (codec.NLM_F_REPLACE if replace else codec.NLM_F_EXCL)
    return Request(_RTM_NEWROUTE, flags, body, f"add route to {destination or 'default'} via {gateway}")


def _family(address: Address) -> int:
    return socket.AF_INET if address.version == _IPV4 else socket.AF_INET6


def _address_body(index: int, address: Interface) -> bytes:
    packed = address.ip.packed
    body = _ADDRESS.pack(_family(address.ip), address.network.prefixlen, 0, 0, index)
    return body + codec.attribute(_IFA_LOCAL, packed) + codec.attribute(_IFA_ADDRESS, packed)


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
    flags = _IFF_UP if up else 0
    parts = [_LINK.pack(socket.AF_UNSPEC, 0, index, flags, flags)]
    if name:
        parts.append(codec.text(_IFLA_IFNAME, name))
    if mac:
        parts.append(codec.attribute(_IFLA_ADDRESS, bytes.fromhex(mac.replace(":", ""))))
    if mtu:
        parts.append(codec.u32(_IFLA_MTU, mtu))
    if master:
        parts.append(codec.u32(_IFLA_MASTER, master))
    if netns_fd is not None:
        parts.append(codec.u32(_IFLA_NET_NS_FD, netns_fd))
    return b"".join(parts)


class Route:
    """Opened in the network namespace of the calling thread, and stays in it. Safe on any thread."""

    def __init__(self) -> None:
        self._channel = Channel(socket.NETLINK_ROUTE)

    def run(self, *requests: Request) -> None:
        """Have the kernel do all of them, in order. OSError with its words for the first that failed."""
        self._channel.run(*requests)

    def links(self) -> list[Link]:
        request = Request(_RTM_GETLINK, 0, _link_body(0), "list links")
        return [_link(body) for body in self._channel.dump(request)]

    def link(self, name: str) -> Link | None:
        """The link of that name; its cost does not depend on how many there are."""
        try:
            body = self._channel.get(Request(_RTM_GETLINK, 0, _link_body(0, name=name), f"find link {name}"))
        except OSError as error:
            if error.errno == errno.ENODEV:
                return None
            raise
        return _link(body)

    def addresses(self) -> list[tuple[int, Interface]]:
        """Index of the link and address, for all links."""
        found = []
        request = Request(_RTM_GETADDR, 0, _ADDRESS.pack(socket.AF_UNSPEC, 0, 0, 0, 0), "list addresses")
        for content in self._channel.dump(request):
            _, prefix, _, _, index = _ADDRESS.unpack_from(content)
            fields = codec.attributes(content[_ADDRESS.size :])
            packed = fields.get(_IFA_LOCAL) or fields.get(_IFA_ADDRESS)
            if packed:
                found.append((index, ipaddress.ip_interface((packed, prefix))))
        return found

    def routes(self) -> list[Network]:
        """Destinations of all routes but the default ones, in every table."""
        found = []
        request = Request(_RTM_GETROUTE, 0, _ROUTE.pack(socket.AF_UNSPEC, *[0] * 8), "list routes")
        for content in self._channel.dump(request):
            prefix = _ROUTE.unpack_from(content)[1]
            destination = codec.attributes(content[_ROUTE.size :]).get(_RTA_DST)
            if destination and prefix:
                found.append(ipaddress.ip_network((destination, prefix), strict=False))
        return found

    def close(self) -> None:
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _link(body: bytes) -> Link:
    _, _, index, flags, _ = _LINK.unpack_from(body)
    fields = codec.attributes(body[_LINK.size :])
    info = codec.attributes(fields.get(_IFLA_LINKINFO, b""))
    master = fields.get(_IFLA_MASTER)
    return Link(
        index,
        _string(fields.get(_IFLA_IFNAME, b"")),
        bool(flags & _IFF_UP),
        _U32.unpack(master)[0] if master else 0,
        _string(info.get(_IFLA_INFO_KIND, b"")),
        fields.get(_IFLA_ADDRESS, b"").hex(":"),
    )


def _string(value: bytes) -> str:
    return value.rstrip(b"\0").decode("utf-8", "replace")
