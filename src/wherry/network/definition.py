"""From what is asked for to a network: checks, and what follows from the options of Docker's bridge driver. Pure.

Texts of errors are Docker's.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping

import msgspec

from wherry.network import ipam
from wherry.network.network import (
    PREDEFINED,
    InvalidNetwork,
    Network,
    PredefinedNetwork,
    UnknownDriver,
    UnsupportedOption,
)

_BRIDGE = "com.docker.network.bridge."
_NAME = f"{_BRIDGE}name"
_ICC = f"{_BRIDGE}enable_icc"
_MASQUERADE = f"{_BRIDGE}enable_ip_masquerade"
_HOST_ADDRESS = f"{_BRIDGE}host_binding_ipv4"
_MTU = "com.docker.network.driver.mtu"
_INTERFACE_PREFIX = "com.docker.network.container_iface_prefix"
_UNSUPPORTED = {
    f"{_BRIDGE}gateway_mode_ipv4": ("", "nat"),
    f"{_BRIDGE}gateway_mode_ipv6": ("", "nat"),
    f"{_BRIDGE}inhibit_ipv4": ("", "false"),
    f"{_BRIDGE}trusted_host_interfaces": ("",),
}
"""Options that are not implemented, with the values that ask for nothing."""

_LONGEST_LINK_NAME = 15
_LEAST_MTU, _MOST_MTU = 68, 65535
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A network as asked for. Addresses are texts, "" to have them chosen."""

    name: str
    driver: str = "bridge"
    subnet: str = ""
    gateway: str = ""
    ip_range: str = ""
    reserved: Mapping[str, str] = {}
    internal: bool = False
    attachable: bool = False
    options: Mapping[str, str] = {}
    ipam_options: Mapping[str, str] = {}
    labels: Mapping[str, str] = {}


class SameBridge(PredefinedNetwork):
    def __init__(self, network: Network, other: Network) -> None:
        super().__init__(
            f"cannot create network {network.id} ({network.link}): conflicts with network {other.id} ({other.link}): "
            "networks have same bridge name"
        )


def check(asked: Asked) -> None:
    """What can be wrong with the asked for itself: InvalidNetwork, UnknownDriver, PredefinedNetwork, Unsupported."""
    if not asked.name.strip():
        raise InvalidNetwork("invalid network name: name is empty")
    if asked.name in PREDEFINED:
        raise PredefinedNetwork(f"operation is not permitted on predefined {asked.name} network ")
    if asked.driver != "bridge":
        raise UnknownDriver(asked.driver)
    for key, harmless in _UNSUPPORTED.items():
        if asked.options.get(key, "") not in harmless:
            raise UnsupportedOption(key, asked.options[key])
    wrong = list(_wrong_addresses(asked))
    if wrong:
        raise InvalidNetwork("\n".join(["invalid network config:", *wrong]))


def _wrong_addresses(asked: Asked) -> Iterable[str]:
    if not asked.subnet:
        if asked.gateway or asked.ip_range or asked.reserved:
            yield "user-specified gateway, IP range or auxiliary address needs a subnet"
        return
    try:
        subnet = ipaddress.IPv4Interface(asked.subnet).network
    except ValueError:
        yield f"invalid subnet {asked.subnet}: invalid CIDR block notation"
        return
    if str(subnet) != asked.subnet:
        yield f"invalid subnet {asked.subnet}: it should be {subnet}"
    if subnet.num_addresses == 1:
        yield f"invalid subnet {asked.subnet}: it has no room for a gateway and a container"
    if asked.ip_range:
        yield from _wrong_range(asked.ip_range, subnet)
    if asked.gateway:
        yield from _wrong_address("gateway", asked.gateway, subnet)
    for address in asked.reserved.values():
        yield from _wrong_address("auxiliary address", address, subnet)


def _wrong_range(text: str, subnet: ipaddress.IPv4Network) -> Iterable[str]:
    try:
        within = ipaddress.IPv4Interface(text).network
    except ValueError:
        yield f"invalid ip-range {text}: invalid CIDR block notation"
        return
    if str(within) != text:
        yield f"invalid ip-range {text}: it should be {within}"
    if within.prefixlen < subnet.prefixlen:
        yield f"invalid ip-range {text}: CIDR block is bigger than its parent subnet {subnet}"
    elif not within.subnet_of(subnet):
        yield f"invalid ip-range {text}: parent subnet {subnet} doesn't contain ip-range"


def _wrong_address(what: str, text: str, subnet: ipaddress.IPv4Network) -> Iterable[str]:
    try:
        inside = ipaddress.IPv4Address(text) in subnet
    except ValueError:
        yield f"invalid {what} {text}: invalid address"
        return
    if not inside:
        yield f"invalid {what} {text}: parent subnet {subnet} doesn't contain this address"


def choose_subnet(
    asked: Asked, networks: Iterable[Network], routes: Iterable[ipam.Subnet], pools: Iterable[tuple[str, int]]
) -> ipam.Subnet:
    """The subnet asked for, or a free one: PoolOverlaps, PoolsExhausted."""
    own = [(ipaddress.IPv4Network(network.subnet), network) for network in networks if network.subnet]
    if not asked.subnet:
        return ipam.choose_subnet([*routes, *(subnet for subnet, _ in own)], pools)
    wanted = ipaddress.IPv4Network(asked.subnet)
    for subnet, network in own:
        if wanted.overlaps(subnet):
            raise ipam.PoolOverlaps(wanted, f"{subnet} of network {network.name}")
    return wanted


def network(asked: Asked, subnet: ipam.Subnet, identifier: str, created: int) -> Network:
    """The record of what is asked for, which `check` has found right: InvalidNetwork if an option is malformed."""
    options = dict(asked.options)
    link = options.get(_NAME, "") or f"br-{identifier[:12]}"
    if len(link) > _LONGEST_LINK_NAME or "/" in link or not link.isprintable() or " " in link:
        raise InvalidNetwork(f"invalid interface name {link!r}: it has more than 15 characters, or strange ones")
    return Network(
        id=identifier,
        name=asked.name,
        driver="bridge",
        created=created,
        subnet=str(subnet),
        gateway=asked.gateway or str(_first_free(subnet, asked.reserved.values())),
        ip_range=asked.ip_range,
        reserved=dict(asked.reserved),
        link=link,
        internal=asked.internal,
        attachable=asked.attachable,
        icc=_flag(options, _ICC, default=True),
        masquerade=_flag(options, _MASQUERADE, default=True) and not asked.internal,
        mtu=_mtu(options),
        host_address=_address(options),
        interface_prefix=options.get(_INTERFACE_PREFIX, "") or "eth",
        options=options,
        ipam_options=dict(asked.ipam_options),
        labels=dict(asked.labels),
    )


def _first_free(subnet: ipam.Subnet, reserved: Iterable[str]) -> ipaddress.IPv4Address:
    taken = {ipaddress.IPv4Address(each) for each in reserved}
    return next((host for host in subnet.hosts() if host not in taken), subnet[1])


def _flag(options: Mapping[str, str], key: str, *, default: bool) -> bool:
    value = options.get(key)
    if value is None:
        return default
    if value not in _TRUE | _FALSE:
        raise InvalidNetwork(f"failed to parse {key} value: {value!r} is no boolean")
    return value in _TRUE


def _mtu(options: Mapping[str, str]) -> int:
    value = options.get(_MTU, "") or "0"
    if not value.isdecimal() or (int(value) and not _LEAST_MTU <= int(value) <= _MOST_MTU):
        raise InvalidNetwork(f"failed to parse {_MTU} value: {value!r} is no size from {_LEAST_MTU} to {_MOST_MTU}")
    return int(value)


def _address(options: Mapping[str, str]) -> str:
    value = options.get(_HOST_ADDRESS, "")
    try:
        return str(ipaddress.IPv4Address(value)) if value else ""
    except ValueError:
        raise InvalidNetwork(f"failed to parse {_HOST_ADDRESS} value: {value!r} is no IPv4 address") from None


def default_options(default: Network) -> dict[str, str]:
    """What inspect shows of the network called bridge."""
    return {
        f"{_BRIDGE}default_bridge": "true",
        _ICC: str(default.icc).lower(),
        _MASQUERADE: str(default.masquerade).lower(),
        _HOST_ADDRESS: default.host_address,
        _NAME: default.link,
        _MTU: str(default.mtu or 1500),
    }
