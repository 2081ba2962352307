"""Which addresses belong to whom: subnets for networks, addresses for endpoints.

Pure: no socket, no file. What is in use elsewhere (routes of the host, other networks) comes in as values. The state
lives in memory and is told anew after a restart, since every endpoint knows its address. Rules and texts are Docker's.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from wherry import errors

IPv4 = ipaddress.IPv4Address
Subnet = ipaddress.IPv4Network

DEFAULT_POOLS: tuple[tuple[str, int], ...] = (
    ("172.17.0.0/16", 16),
    ("172.18.0.0/16", 16),
    ("172.19.0.0/16", 16),
    ("172.20.0.0/14", 16),
    ("172.24.0.0/14", 16),
    ("172.28.0.0/14", 16),
    ("192.168.0.0/16", 20),
)
"""Base and size of the subnets that networks get when none is asked for."""

_SMALLEST_WITH_BROADCAST = 30
_HALF_OF_EVERYTHING, _HOST = 8, 32


class PoolsExhausted(errors.ResourceExhausted):
    def __init__(self) -> None:
        super().__init__(
            "all predefined address pools have been fully subnetted",
            hint="remove networks that are not used (network prune), or set default-address-pools",
        )


class PoolOverlaps(errors.PermissionDenied):
    def __init__(self, subnet: Subnet, other: str) -> None:
        super().__init__(
            "invalid pool request: Pool overlaps with other one on this address space",
            hint=f"{subnet} overlaps {other}",
        )


class NoAddressLeft(errors.ResourceExhausted):
    def __init__(self, owner: str) -> None:
        super().__init__(f"no available IPv4 addresses on this network's address pools: {owner}")


class AddressOutside(errors.InvalidArgument):
    def __init__(self, address: IPv4) -> None:
        super().__init__(f"no configured subnet contains IP address {address}")


class AddressTaken(errors.PermissionDenied):
    def __init__(self, address: IPv4) -> None:
        super().__init__("Address already in use", hint=f"{address} is the gateway's, reserved, or another container's")


def choose_subnet(used: Iterable[Subnet], pools: Iterable[tuple[str, int]] = DEFAULT_POOLS) -> Subnet:
    """The first subnet of the pools that overlaps nothing in use: PoolsExhausted."""
    taken = list(used)
    for candidate in _candidates(pools):
        if not any(candidate.overlaps(other) for other in taken):
            return candidate
    raise PoolsExhausted


def _candidates(pools: Iterable[tuple[str, int]]) -> Iterator[Subnet]:
    for base, size in pools:
        yield from ipaddress.IPv4Network(base).subnets(new_prefix=size)


def relevant_routes(routes: Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> list[Subnet]:
    """Those of the host's routes that a subnet must not overlap.

    Not the ones that cover half of everything, with which tunnels stand in for the default route, and not single hosts.
    """
    return [
        found
        for found in routes
        if isinstance(found, ipaddress.IPv4Network) and _HALF_OF_EVERYTHING <= found.prefixlen < _HOST
    ]


class Addresses:
    """The addresses of one subnet. Given out in order, so that one just freed is not the next to be used.

    `within` narrows down what is given out without being asked for; `owner` stands in the error when nothing is left.
    """

    def __init__(
        self,
        subnet: Subnet,
        gateway: IPv4,
        *,
        within: Subnet | None = None,
        reserved: Iterable[IPv4] = (),
        owner: str = "",
    ) -> None:
        self._subnet = subnet
        self._owner = owner or str(subnet)
        self._never = {gateway, *reserved}
        if subnet.prefixlen <= _SMALLEST_WITH_BROADCAST:
            self._never |= {subnet.network_address, subnet.broadcast_address}
        self._used: set[IPv4] = set()
        pool = within or subnet
        self._first, self._size = int(pool.network_address), pool.num_addresses
        self._next = 0

    def take(self, address: IPv4) -> IPv4:
        """Reserve this very address: AddressOutside, AddressTaken."""
        if address not in self._subnet:
            raise AddressOutside(address)
        if address in self._used or address in self._never:
            raise AddressTaken(address)
        self._used.add(address)
        return address

    def next(self) -> IPv4:
        """Reserve the next free address: NoAddressLeft."""
        for step in range(self._size):
            place = (self._next + step) % self._size
            candidate = IPv4(self._first + place)
            if candidate not in self._used and candidate not in self._never:
                self._next = place + 1
                self._used.add(candidate)
                return candidate
        raise NoAddressLeft(self._owner)

    def give_back(self, address: IPv4) -> None:
        """Free an address. Nothing happens if it is free."""
        self._used.discard(address)
