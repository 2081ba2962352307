"""The protocol of a network driver."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from wherry.linux.netlink.route import Route
from wherry.network.endpoint import Endpoint
from wherry.network.network import Network


class Driver(Protocol):
    """Makes and unmakes; every method can be repeated after a crash. OSError if the kernel refuses."""

    addressed: bool
    """Whether endpoints have an address from the network's subnet, a link on the host, and rules in the firewall."""

    def set_up(self, network: Network) -> None:
        """Make what the network has on the host, or complete it."""

    def take_down(self, network: Network) -> None:
        """Remove it."""

    def join(self, network: Network, endpoint: Endpoint, inside: Route, *, default_route: bool) -> None:
        """Give the sandbox in which `inside` was opened its end."""

    def leave(self, endpoint: Endpoint) -> None:
        """Take it away from a sandbox that goes on. Where the sandbox ends, the kernel does that, off our path."""

    def remains(self, endpoint: Endpoint) -> bool:
        """Whether the endpoint still exists in the kernel."""

    def reconcile(self, networks: Sequence[Network], endpoints: Sequence[Endpoint]) -> None:
        """Remove all that is left of other endpoints, and connect these again if they came apart."""
