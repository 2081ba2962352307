"""The one nftables table of wherry.

Knows which packets pass: published ports, masquerading, and what separates networks. Must not know containers or records. A
published port is an element of a map, so that the thousandth costs what the first did. Every change is one transaction.

    at_prerouting, at_output  a packet for one of the host's addresses whose protocol and port are published goes to the container
    at_forward      answers pass; what was published passes; bridges are apart from each other and from outside
    at_postrouting  what leaves a network for elsewhere gets the host's address; so does what comes from the host's
                    loopback, or from the network itself by way of the host, so that answers find their way back
    at_raw          nobody else may send to the host's loopback addresses, which a bridge would otherwise let in
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence

import msgspec

from wherry.linux.nftables import Nft, NftError
from wherry.network.endpoint import Binding
from wherry.network.ports import ANY

TABLE = "inet wherry"

_SETUP = """
add table inet wherry
delete table inet wherry
add table inet wherry
table inet wherry {
    map published_anywhere { type inet_proto . inet_service : ipv4_addr . inet_service; }
    map published_at { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }
    set bridges { type ifname; }
    set talkative { type ifname . ifname; }
    set masqueraded { type ipv4_addr; flags interval; }
    set hairpins { type ipv4_addr . ipv4_addr; flags interval; }

    chain to_containers {
        dnat ip to ip daddr . meta l4proto . th dport map @published_at
        dnat ip to meta l4proto . th dport map @published_anywhere
    }
    chain at_prerouting {
        type nat hook prerouting priority dstnat; policy accept;
        fib daddr type local meta l4proto { tcp, udp } jump to_containers
    }
    chain at_output {
        type nat hook output priority -100; policy accept;
        fib daddr type local meta l4proto { tcp, udp } jump to_containers
    }
    chain at_postrouting {
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr 127.0.0.0/8 oifname @bridges masquerade
        ip saddr . ip daddr @hairpins ct status dnat masquerade
        ip saddr @masqueraded oifname != @bridges masquerade
    }
    chain at_forward {
        type filter hook forward priority filter; policy accept;
        ct state established,related accept
        oifname @bridges ct status dnat accept
        iifname . oifname @talkative accept
        oifname @bridges drop
    }
    chain at_raw {
        type filter hook prerouting priority raw; policy accept;
        iifname != "lo" ip daddr 127.0.0.0/8 drop
    }
}
"""


class BridgeRules(msgspec.Struct, frozen=True):
    """What the table has to know of one bridge network."""

    link: str
    subnet: str
    icc: bool = True
    masquerade: bool = True


class Redirect(msgspec.Struct, frozen=True):
    """A published port and the address of its container."""

    binding: Binding
    address: str


class Firewall:
    """In the network namespace of the thread that makes it. NftError with nft's message if the kernel refuses."""

    def __init__(self) -> None:
        self._nft = Nft()

    def set_up(self, bridges: Sequence[BridgeRules] = (), redirects: Iterable[Redirect] = ()) -> None:
        """Make the table anew with exactly this content, in one transaction: there is no moment without it."""
        commands = [_SETUP]
        for bridge in bridges:
            commands += _bridge_commands("add", bridge)
        commands += [_redirect_command("add", redirect) for redirect in redirects]
        self._nft.run("\n".join(commands))

    def add_bridge(self, bridge: BridgeRules) -> None:
        self._nft.run("\n".join(_bridge_commands("add", bridge)))

    def remove_bridge(self, bridge: BridgeRules) -> None:
        with contextlib.suppress(NftError):
            self._nft.run("\n".join(_bridge_commands("delete", bridge)))

    def publish(self, redirects: Sequence[Redirect]) -> None:
        if redirects:
            self._nft.run("\n".join(_redirect_command("add", redirect) for redirect in redirects))

    def withdraw(self, redirects: Sequence[Redirect]) -> None:
        """Take published ports back; what is not there is no error."""
        for redirect in redirects:
            with contextlib.suppress(NftError):
                self._nft.run(_redirect_command("delete", redirect))

    def tear_down(self) -> None:
        """Remove the table."""
        self._nft.run(f"add table {TABLE}\ndelete table {TABLE}")

    def close(self) -> None:
        self._nft.close()


def _bridge_commands(verb: str, bridge: BridgeRules) -> list[str]:
    commands = [
        f'{verb} element {TABLE} bridges {{ "{bridge.link}" }}',
        f"{verb} element {TABLE} hairpins {{ {bridge.subnet} . {bridge.subnet} }}",
    ]
    if bridge.icc:
        commands.append(f'{verb} element {TABLE} talkative {{ "{bridge.link}" . "{bridge.link}" }}')
    if bridge.masquerade:
        commands.append(f"{verb} element {TABLE} masqueraded {{ {bridge.subnet} }}")
    return commands


def _redirect_command(verb: str, redirect: Redirect) -> str:
    binding = redirect.binding
    target = f"{redirect.address} . {binding.container_port}"
    if binding.host_address == ANY:
        element = f"{binding.protocol} . {binding.host_port}"
        return f"{verb} element {TABLE} published_anywhere {{ {element} : {target} }}"
    element = f"{binding.host_address} . {binding.protocol} . {binding.host_port}"
    return f"{verb} element {TABLE} published_at {{ {element} : {target} }}"
