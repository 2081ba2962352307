"""What a network is, and what can be wrong with one. Message texts are Docker's."""

from __future__ import annotations

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
    def __init__(self, name: str, users: list[str]) -> None:
        super().__init__(f"error while removing network: network {name} has active endpoints ({', '.join(users)})")


class InvalidNetwork(errors.InvalidArgument):
    pass


class UnknownDriver(errors.NotFound):
    def __init__(self, name: str) -> None:
        super().__init__(
            f"could not find plugin {name} in v1 plugin registry: plugin not found",
            hint="the drivers here are bridge, host and none",
        )


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """One network. `subnet` and `gateway` are texts, "" where the driver has none; `created` in nanoseconds."""

    id: str
    name: str
    driver: str
    created: int
    subnet: str = ""
    gateway: str = ""
    ip_range: str = ""
    link: str = ""
    """The bridge's interface."""
    internal: bool = False
    attachable: bool = False
    enable_ipv6: bool = False
    icc: bool = True
    masquerade: bool = True
    mtu: int = 0
    options: dict[str, str] = {}
    ipam_options: dict[str, str] = {}
    labels: dict[str, str] = {}

    @property
    def predefined(self) -> bool:
        return self.name in PREDEFINED
