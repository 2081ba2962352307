"""The bridge driver: a bridge link for a network, and a veth from it into each sandbox.

Knows links, addresses and the sysctls of both sides. Must not know records, names or published ports.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
from pathlib import Path

from wherry.linux import namespaces
from wherry.linux.netlink import route
from wherry.network.endpoint import Endpoint
from wherry.network.network import Network

_SANDBOX_SYSCTLS = {
    "net/ipv4/ip_unprivileged_port_start": "0",
    "net/ipv4/ping_group_range": "0 2147483647",
    "net/ipv6/conf/default/disable_ipv6": "1",
    "net/ipv6/conf/all/accept_ra": "0",
}


def sysctl(name: str, value: str) -> None:
    """Set one in the network namespace of the calling thread; those this kernel does not have are left out."""
    with contextlib.suppress(FileNotFoundError):
        Path("/proc/sys", name).write_text(value)


def set_up(links: route.Route, network: Network) -> None:
    """Make the bridge, or complete one that a crash has left half made."""
    link = links.link(network.link)
    if link is None:
        links.run(route.link_add(network.link, "bridge", mtu=network.mtu))
        link = links.link(network.link)
    assert link is not None
    address = ipaddress.ip_interface(f"{network.gateway}/{ipaddress.ip_network(network.subnet).prefixlen}")
    if (link.index, address) not in links.addresses():
        links.run(route.address_add(link.index, address))
    if not link.up:
        links.run(route.link_set(link.index))
    sysctl(f"net/ipv4/conf/{network.link}/route_localnet", "1")
    sysctl(f"net/ipv6/conf/{network.link}/accept_ra", "0")


def take_down(links: route.Route, network: Network) -> None:
    link = links.link(network.link)
    if link:
        links.run(route.link_delete(link.index))


def make_sandbox(path: str) -> route.Route:
    """Make a network namespace at `path` with its loopback up; a socket in it, to be closed."""

    def inside() -> route.Route:
        for name, value in _SANDBOX_SYSCTLS.items():
            sysctl(name, value)
        links = route.Route()
        links.run(route.link_set(1))
        return links

    return namespaces.create_network(path, inside)


def enter_sandbox(path: str) -> route.Route:
    """A socket in the network namespace at `path`, to be closed."""
    return namespaces.run_in_network(path, route.Route)


def veth_name(endpoint_id: str) -> str:
    return f"veth{endpoint_id[:7]}"


def plug_in(
    links: route.Route, inside: route.Route, endpoint: Endpoint, bridge: str, *, default_route: bool, mtu: int = 0
) -> None:
    """Connect the sandbox to the bridge: one message makes both ends in their places, another set completes the inside."""
    master = links.link(bridge)
    if master is None:
        raise OSError(f"bridge {bridge} does not exist")
    fd = os.open(endpoint.sandbox, os.O_RDONLY | os.O_CLOEXEC)
    try:
        peer = route.veth_peer(endpoint.interface, mac=endpoint.mac, mtu=mtu, netns_fd=fd)
        links.run(route.link_add(veth_name(endpoint.id), "veth", mtu=mtu, master=master.index, peer=peer))
    finally:
        os.close(fd)
    own = inside.link(endpoint.interface)
    assert own is not None
    requests = [
        route.link_set(own.index),
        route.address_add(own.index, ipaddress.ip_interface(f"{endpoint.address}/{endpoint.prefix}")),
    ]
    if default_route:
        requests.append(route.route_add(ipaddress.ip_address(endpoint.gateway)))
    inside.run(*requests)


def unplug(links: route.Route, endpoint: Endpoint) -> None:
    """Delete the veth of a sandbox that goes on; one whose sandbox ends is deleted by the kernel, off our path."""
    link = links.link(veth_name(endpoint.id))
    if link:
        links.run(route.link_delete(link.index))
