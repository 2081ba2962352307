"""The one nftables table of wherry.

Knows which packets pass: published ports, masquerading, and what separates networks. Must not know containers or
records. A published port is an element of a map, so that the thousandth costs what the first did. Every change is one
transaction.

    at_raw          nobody else may speak to the host's loopback, which a bridge would otherwise let in; nor may a
                    container speak with an address that is not of its network
    at_prerouting, at_output    a packet for one of the host's addresses whose protocol and port are published goes to
                    the container
    at_forward      answers pass; an internal network is cut off; what was published passes; bridges are apart from
                    each other and from outside; and if it was us who made the host a router, nothing else passes
    at_postrouting  what leaves a network for elsewhere gets the host's address; so does what comes from the host's
                    loopback, or from the network itself by way of the host, so that answers find their way back

A drop in somebody else's table cannot be overruled here: nftables asks every table (nft(8), "Chains"). `foreign_drops`
finds them.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from wherry.linux.nftables import Nft, NftError
from wherry.network.endpoint import Binding
from wherry.network.ports import ANY

NAME = "wherry"
_TABLE = f"inet {NAME}"

_EMPTY = f"""
add table {_TABLE}
delete table {_TABLE}
add table {_TABLE}
table {_TABLE} {{
    map published_anywhere {{ type inet_proto . inet_service : ipv4_addr . inet_service; }}
    map published_at {{ type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }}
    set bridges {{ type ifname; }}
    set internals {{ type ifname; }}
    set talkative {{ type ifname . ifname; }}
    set masqueraded {{ type ipv4_addr; flags interval; }}
    set hairpins {{ type ipv4_addr . ipv4_addr; flags interval; }}

    chain at_raw {{
        type filter hook prerouting priority raw; policy accept;
        iifname != "lo" ip daddr 127.0.0.0/8 drop
        iifname @bridges meta nfproto ipv4 fib saddr . iif oif missing drop
    }}
    chain to_containers {{
        dnat ip to ip daddr . meta l4proto . th dport map @published_at
        dnat ip to meta l4proto . th dport map @published_anywhere
    }}
    chain at_prerouting {{
        type nat hook prerouting priority dstnat; policy accept;
        meta nfproto ipv4 fib daddr type local meta l4proto {{ tcp, udp }} jump to_containers
    }}
    chain at_output {{
        type nat hook output priority -100; policy accept;
        meta nfproto ipv4 fib daddr type local meta l4proto {{ tcp, udp }} jump to_containers
    }}
    chain at_forward {{
        type filter hook forward priority filter; policy accept;
        ct state established,related accept
        iifname . oifname @talkative accept
        iifname @internals drop
        oifname @internals drop
        oifname @bridges ct status dnat accept
        oifname @bridges drop
        iifname @bridges accept
    }}
    chain at_postrouting {{
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr 127.0.0.0/8 oifname @bridges masquerade
        ip saddr . ip daddr @hairpins ct status dnat masquerade
        ip saddr @masqueraded oifname != @bridges masquerade
    }}
}}
"""
_NOT_A_ROUTER = f"add rule {_TABLE} at_forward drop"
_DROPPING = re.compile(r"table (\w+ \S+) \{|chain (\S+) \{|hook forward [^;]*; policy drop;")


class BridgeRules(msgspec.Struct, frozen=True):
    """What the table has to know of one bridge network."""

    link: str
    subnet: str
    icc: bool = True
    masquerade: bool = True
    internal: bool = False


class Redirect(msgspec.Struct, frozen=True):
    """A published port and the address of its container."""

    binding: Binding
    address: str


class Firewall:
    """In the network namespace of the thread that makes it. Safe on any thread.

    Remembers what the table contains, and can make it anew. NftError with nft's message if the kernel refuses.
    """

    def __init__(self) -> None:
        self._nft = Nft()
        self._lock = threading.Lock()
        self._bridges: dict[str, BridgeRules] = {}
        self._redirects: dict[Binding, Redirect] = {}
        self._router = False

    def set_up(
        self, bridges: Iterable[BridgeRules] = (), redirects: Iterable[Redirect] = (), *, router: bool = True
    ) -> None:
        """Make the table anew with exactly this content. A host that is no `router` passes on only what is ours."""
        with self._lock:
            self._bridges = {bridge.link: bridge for bridge in bridges}
            self._redirects = {redirect.binding: redirect for redirect in redirects}
            self._router = router
            self._rebuild()

    def restore(self) -> None:
        """Make the table anew as it should be, after somebody else has changed it."""
        with self._lock:
            self._rebuild()

    def _rebuild(self) -> None:
        """One transaction: there is no moment without a table."""
        commands = [_EMPTY] if self._router else [_EMPTY, _NOT_A_ROUTER]
        for bridge in self._bridges.values():
            commands += _bridge_commands("add", bridge)
        commands += [_redirect_command("add", redirect) for redirect in self._redirects.values()]
        self._nft.run("\n".join(commands))

    def add_bridge(self, bridge: BridgeRules) -> None:
        with self._lock:
            self._bridges[bridge.link] = bridge
            self._change(_bridge_commands("add", bridge))

    def remove_bridge(self, bridge: BridgeRules) -> None:
        """What is not there is no error."""
        with self._lock:
            if self._bridges.pop(bridge.link, None):
                self._change(_bridge_commands("delete", bridge))

    def publish(self, redirects: Sequence[Redirect]) -> None:
        if not redirects:
            return
        with self._lock:
            self._redirects |= {redirect.binding: redirect for redirect in redirects}
            try:
                self._change([_redirect_command("add", redirect) for redirect in redirects])
            except NftError:
                for redirect in redirects:
                    del self._redirects[redirect.binding]
                raise

    def withdraw(self, redirects: Sequence[Redirect]) -> None:
        """Take published ports back; what is not there is no error."""
        with self._lock:
            known = [each for each in redirects if self._redirects.pop(each.binding, None)]
            if known:
                self._change([_redirect_command("delete", redirect) for redirect in known])

    def _change(self, commands: list[str]) -> None:
        """Do to the table what has been noted already. Should it be damaged, it is made anew from what is noted."""
        try:
            self._nft.run("\n".join(commands))
        except NftError:
            self._rebuild()

    def foreign_drops(self) -> list[str]:
        """Chains of others that drop forwarded packets unless they know them: "ip filter FORWARD"."""
        return list(_dropping(self._nft.run("list chains")))

    def tear_down(self) -> None:
        """Remove the table."""
        with self._lock, contextlib.suppress(NftError):
            self._nft.run(f"add table {_TABLE}\ndelete table {_TABLE}")

    def close(self) -> None:
        self._nft.close()


def _dropping(chains: str) -> Iterator[str]:
    table = chain = ""
    for match in _DROPPING.finditer(chains):
        if match[1]:
            table = match[1]
        elif match[2]:
            chain = match[2]
        else:
            yield f"{table} {chain}"


def _bridge_commands(verb: str, bridge: BridgeRules) -> list[str]:
    commands = [
        f'{verb} element {_TABLE} bridges {{ "{bridge.link}" }}',
        f"{verb} element {_TABLE} hairpins {{ {bridge.subnet} . {bridge.subnet} }}",
    ]
    if bridge.icc:
        commands.append(f'{verb} element {_TABLE} talkative {{ "{bridge.link}" . "{bridge.link}" }}')
    if bridge.masquerade:
        commands.append(f"{verb} element {_TABLE} masqueraded {{ {bridge.subnet} }}")
    if bridge.internal:
        commands.append(f'{verb} element {_TABLE} internals {{ "{bridge.link}" }}')
    return commands


def _redirect_command(verb: str, redirect: Redirect) -> str:
    binding = redirect.binding
    target = f"{redirect.address} . {binding.container_port}"
    if binding.host_address == ANY:
        element = f"{binding.protocol} . {binding.host_port}"
        return f"{verb} element {_TABLE} published_anywhere {{ {element} : {target} }}"
    element = f"{binding.host_address} . {binding.protocol} . {binding.host_port}"
    return f"{verb} element {_TABLE} published_at {{ {element} : {target} }}"
