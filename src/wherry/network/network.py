"""What a network is, and what can be wrong with one. Message texts are Docker's."""

from __future__ import annotations

import ipaddress
import os

import msgspec

from wherry import errors

PREDEFINED = ("bridge", "host", "none")


class NoSuchNetwork(errors.NotFound):
    def __init__(self, reference: str) -> None:
        super().__init__(f"network {reference} not found")


class AmbiguousNetwork(errors.InvalidArgument):
    def __init__(self, reference: str, count: int) -> None:
        super().__init__(f"network {reference} is ambiguous ({count} matches found based on ID prefix)")


class NetworkExists(errors.Conflict):
    def __init__(self, name: str) -> None:
        super().__init__(f"network with name {name} already exists")


class PredefinedNetwork(errors.PermissionDenied):
    pass


class NetworkInUse(errors.PermissionDenied):
    """`users` are names and ids of endpoints."""

    def __init__(self, name: str, users: list[tuple[str, str]]) -> None:
        listed = ", ".join(f'name:"{user}" id:"{identifier[:12]}"' for user, identifier in users)
        super().__init__(f"error while removing network: network {name} has active endpoints ({listed})")


class InvalidNetwork(errors.InvalidArgument):
    pass


class UnsupportedOption(errors.Unsupported):
    def __init__(self, key: str, value: str) -> None:
        super().__init__(f"networks with the option {key}={value} are not implemented")


class UnknownDriver(errors.NotFound):
    def __init__(self, name: str) -> None:
        super().__init__(
            f"could not find plugin {name} in v1 plugin registry: plugin not found",
            hint="the drivers here are bridge, host and none",
        )


class NetworkFailed(errors.Internal):
    """The kernel refused something; `doing` says what we were about to do."""

    def __init__(self, doing: str, error: OSError) -> None:
        super().__init__(f"{doing}: {error.strerror or error}")


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """One network. `subnet` and `gateway` are texts, "" where the driver has none; `created` in nanoseconds."""

    id: str
    name: str
    driver: str
    created: int
    subnet: str = ""
    gateway: str = ""
    ip_range: str = ""
    reserved: dict[str, str] = {}
    """Addresses that endpoints do not get, by a name that says why."""
    link: str = ""
    """The bridge's interface."""
    adopted: bool = False
    """The interface was there before us: neither its addresses nor itself are ours to remove."""
    internal: bool = False
    attachable: bool = False
    enable_ipv6: bool = False
    icc: bool = True
    masquerade: bool = True
    mtu: int = 0
    host_address: str = ""
    """For published ports that name none."""
    interface_prefix: str = "eth"
    options: dict[str, str] = {}
    ipam_options: dict[str, str] = {}
    labels: dict[str, str] = {}

    @property
    def predefined(self) -> bool:
        return self.name in PREDEFINED

    @property
    def prefix(self) -> int:
        """The length of the subnet's prefix."""
        return ipaddress.IPv4Network(self.subnet).prefixlen


def random_mac() -> str:
    """Locally administered, unicast."""
    octets = bytearray(os.urandom(6))
    octets[0] = (octets[0] & 0xFC) | 0x02
    return octets.hex(":")
