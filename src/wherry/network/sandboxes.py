"""The network namespaces of containers, kept as files.

    <directory>/<first 12 of the container's id>    a network namespace, kept by a bind mount

Knows what every sandbox has: a loopback, and the sysctls that Docker sets. Must not know networks.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from pathlib import Path

from wherry.linux import namespaces
from wherry.linux.netlink import route

_LOOPBACK = 1

_SYSCTLS = {
    "net/ipv4/ip_unprivileged_port_start": "0",
    "net/ipv4/ping_group_range": "0 2147483647",
    "net/ipv4/conf/default/arp_notify": "1",
    "net/ipv6/conf/default/disable_ipv6": "1",
    "net/ipv6/conf/all/accept_ra": "0",
}


def sysctl(name: str, value: str) -> None:
    """Set one in the network namespace of the calling thread; those this kernel does not have are left out."""
    with contextlib.suppress(FileNotFoundError):
        Path("/proc/sys", name).write_text(value, encoding="ascii")


class Sandboxes:
    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def path(self, container: str) -> str:
        return str(self._directory / container[:12])

    def make(self, container: str) -> route.Route:
        """Make a container's sandbox anew; a socket in it, to be closed."""
        self.remove(container)

        def inside() -> route.Route:
            for name, value in _SYSCTLS.items():
                sysctl(name, value)
            links = route.Route()
            links.run(route.link_up(_LOOPBACK))
            return links

        return namespaces.create_network(self.path(container), inside)

    def enter(self, container: str) -> route.Route:
        """A socket in a container's sandbox, to be closed. FileNotFoundError if there is none."""
        return namespaces.run_in_network(self.path(container), route.Route)

    def remove(self, container: str) -> None:
        """Let go of the sandbox: it ends with its last process. Repeatable."""
        namespaces.remove_network(self.path(container))

    def sweep(self, alive: Collection[str]) -> None:
        """Remove all but those at the paths `alive`."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in self._directory.iterdir():
            if str(path) not in alive:
                namespaces.remove_network(str(path))
