"""A bridge link for a network, and a veth from it into each sandbox.

Knows links, addresses and the sysctls of both sides. Must not know records, names or published ports.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from wherry.linux.netlink import route
from wherry.network.endpoint import Endpoint
from wherry.network.network import InvalidNetwork, Network, random_mac
from wherry.network.sandboxes import sysctl


class NotABridge(InvalidNetwork):
    def __init__(self, name: str, kind: str) -> None:
        super().__init__(f"interface {name} exists already and is no bridge ({kind or 'hardware'})")


class Bridge:
    addressed = True

    def __init__(self, links: route.Route) -> None:
        self._links = links

    def set_up(self, network: Network) -> None:
        link = self._links.link(network.link) or self._make(network)
        if link.kind != "bridge":
            raise NotABridge(network.link, link.kind)
        wanted = ipaddress.IPv4Interface(f"{network.gateway}/{network.prefix}")
        has = [address for index, address in self._links.addresses() if index == link.index]
        if wanted not in has:
            self._links.run(route.address_add(link.index, wanted))
        for address in has:
            if isinstance(address, ipaddress.IPv4Interface) and address != wanted and not network.adopted:
                self._links.run(route.address_delete(link.index, address))
        if not link.up:
            self._links.run(route.link_up(link.index))
        sysctl(f"net/ipv4/conf/{network.link}/route_localnet", "1")
        sysctl(f"net/ipv6/conf/{network.link}/accept_ra", "0")

    def _make(self, network: Network) -> route.Link:
        # With an address of its own a bridge keeps it; otherwise it changes with every port, and neighbours lose it.
        self._links.run(route.link_add(network.link, "bridge", mac=random_mac(), mtu=network.mtu))
        return self._existing(network.link)

    def _existing(self, name: str) -> route.Link:
        link = self._links.link(name)
        if link is None:
            raise OSError(errno.ENODEV, f"interface {name} does not exist")
        return link

    def take_down(self, network: Network) -> None:
        link = self._links.link(network.link)
        if link and not network.adopted:
            self._links.run(route.link_delete(link.index))

    def join(self, network: Network, endpoint: Endpoint, inside: route.Route, *, default_route: bool) -> None:
        """One message makes both ends in their places; the others complete the inside."""
        name = _veth(endpoint)
        fd = os.open(endpoint.sandbox, os.O_RDONLY | os.O_CLOEXEC)
        try:
            peer = route.veth_peer(endpoint.interface, mac=endpoint.mac, mtu=network.mtu, netns_fd=fd)
            master = self._existing(network.link).index
            self._links.run(route.link_add(name, "veth", mtu=network.mtu, master=master, peer=peer))
        finally:
            os.close(fd)
        self._set_port(name, icc=network.icc)
        own = inside.link(endpoint.interface)
        if own is None:
            raise OSError(errno.ENODEV, f"interface {endpoint.interface} does not exist in the sandbox")
        inside.run(route.link_up(own.index))
        # The bridge learns of the carrier later, and drops packets until then; asking for a link has it told now.
        self._links.link(name)
        address = ipaddress.IPv4Interface(f"{endpoint.address}/{endpoint.prefix}")
        requests = [route.address_add(own.index, address)]
        if default_route:
            requests.append(route.route_add(ipaddress.IPv4Address(network.gateway), replace=True))
        # Setting the MAC makes the kernel announce the address (arp_notify), so that who had it before is forgotten.
        inside.run(*requests, route.link_set(own.index, mac=endpoint.mac))

    def _set_port(self, name: str, *, icc: bool) -> None:
        """Keep a port apart from the others without ICC, but let all be reached by way of the host.

        Where bridged packets pass the firewall too, that is what keeps them apart, and the kernel turns those for the
        host around within the bridge; a port must then be allowed to send back what it receives. See `firewall`.
        """
        filtered = _bridged_packets_are_filtered()
        if filtered or not icc:
            index = self._existing(name).index
            self._links.run(route.port_set(index, hairpin=filtered, isolated=not icc and not filtered))

    def leave(self, endpoint: Endpoint) -> None:
        link = self._links.link(_veth(endpoint))
        if link:
            with _ignoring(errno.ENODEV):
                self._links.run(route.link_delete(link.index))

    def remains(self, endpoint: Endpoint) -> bool:
        return self._links.link(_veth(endpoint)) is not None

    def reconcile(self, networks: Sequence[Network], endpoints: Sequence[Endpoint]) -> None:
        bridges = {network.link for network in networks}
        masters = {_veth(e): next((n.link for n in networks if n.id == e.network_id), "") for e in endpoints}
        links = self._links.links()
        indexes = {link.name: link.index for link in links}
        ours = {indexes[name] for name in bridges & indexes.keys()}
        for link in links:
            if link.kind != "veth":
                continue
            if link.name not in masters and link.master in ours:
                with _ignoring(errno.ENODEV):
                    self._links.run(route.link_delete(link.index))
            elif masters.get(link.name) and not link.master:
                self._links.run(route.link_set(link.index, master=indexes[masters[link.name]]))


def _bridged_packets_are_filtered() -> bool:
    """Whether br_netfilter is loaded and on, as container orchestrators want it."""
    try:
        return Path("/proc/sys/net/bridge/bridge-nf-call-iptables").read_text(encoding="ascii").strip() == "1"
    except FileNotFoundError:
        return False


def _veth(endpoint: Endpoint) -> str:
    return f"veth{endpoint.id[:11]}"


@contextlib.contextmanager
def _ignoring(number: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != number:
            raise
