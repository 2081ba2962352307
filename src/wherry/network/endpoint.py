"""One attachment of a container to a network, as a value that is stored with the container while it runs."""

from __future__ import annotations

import msgspec


class Binding(msgspec.Struct, frozen=True):
    """A published port: what comes to the host's address and port goes to the container's port."""

    protocol: str
    container_port: int
    host_address: str
    host_port: int

    @property
    def key(self) -> str:
        """As Docker writes the container's side: "80/tcp"."""
        return f"{self.container_port}/{self.protocol}"


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """`sandbox` is the path of the network namespace; addresses are texts, "" where there is none.

    `aliases` are the names by which others on the network may know the container, its own name first. Of a container's
    endpoints the one with the highest `priority` has the default route and the published ports.
    """

    id: str
    container: str
    network_id: str
    network: str
    driver: str
    sandbox: str
    interface: str = ""
    mac: str = ""
    address: str = ""
    prefix: int = 0
    gateway: str = ""
    aliases: tuple[str, ...] = ()
    bindings: tuple[Binding, ...] = ()
    priority: int = 0

    @property
    def name(self) -> str:
        """What it is called where a person reads it: by the container's name, if that is known."""
        return self.aliases[0] if self.aliases else self.container[:12]
