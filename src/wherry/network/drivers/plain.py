"""The networks that need nothing: `host`, which is no sandbox at all, and `none`, a sandbox with only its loopback."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.linux.netlink.route import Route
from wherry.network.endpoint import Endpoint
from wherry.network.network import Network


class Plain:
    addressed = False

    def set_up(self, network: Network) -> None:
        pass

    def take_down(self, network: Network) -> None:
        pass

    def join(self, network: Network, endpoint: Endpoint, inside: Route, *, default_route: bool) -> None:
        pass

    def leave(self, endpoint: Endpoint) -> None:
        pass

    def remains(self, endpoint: Endpoint) -> bool:
        return False

    def reconcile(self, networks: Sequence[Network], endpoints: Sequence[Endpoint]) -> None:
        pass
