"""Which addresses belong to whom: subnets for networks, addresses for endpoints.

Pure: no socket, no file. What is in use elsewhere (routes of the host, other networks) comes in as values. The state lives in
memory and is told anew after a restart, since every endpoint knows its address. Rules and texts are Docker's.
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


class PoolsExhausted(errors.ResourceExhausted):
    def __init__(self) -> None:
        super().__init__(
            "all predefined address pools have been fully subnetted",
            hint="remove networks, or set default-address-pools",
        )


class PoolOverlaps(errors.InvalidArgument):
    def __init__(self, subnet: Subnet, other: object, what: str) -> None:
        super().__init__(f"Pool overlaps with other one on this address space: {subnet} and {what} {other}")


class NoAddressLeft(errors.ResourceExhausted):
    def __init__(self, subnet: Subnet) -> None:
        super().__init__(f"no available IPv4 addresses on this network's address pools: {subnet}")


class AddressOutside(errors.InvalidArgument):
    def __init__(self, address: IPv4) -> None:
        super().__init__(f"no configured subnet contains IP address {address}")


class AddressTaken(errors.PermissionDenied):
    def __init__(self, address: IPv4) -> None:
        super().__init__(f"Address already in use: {address}")


def choose_subnet(
    used: Iterable[ipaddress.IPv4Network], pools: Iterable[tuple[str, int]] = DEFAULT_POOLS
) -> Subnet:
    """The first subnet of the pools that overlaps nothing in use."""
    taken = list(used)
    for candidate in _candidates(pools):
        if not any(candidate.overlaps(other) for other in taken):
            return candidate
    raise PoolsExhausted


def _candidates(pools: Iterable[tuple[str, int]]) -> Iterator[Subnet]:
    for base, size in pools:
        yield from ipaddress.IPv4Network(base).subnets(new_prefix=size)


class Addresses:
    """The addresses of one subnet. Given out in order, so that one just freed is not the next to be used."""

    def __init__(self, subnet: Subnet, gateway: IPv4 | None = None, within: Subnet | None = None) -> None:
        self.subnet = subnet
        self.gateway = gateway or subnet[1]
        self._within = within or subnet
        self._used = {self.gateway}
        self._last = int(self._within.network_address)

    def take(self, address: IPv4) -> IPv4:
        """Reserve this very address: AddressOutside, AddressTaken."""
        if address not in self.subnet:
            raise AddressOutside(address)
        if address in self._used or address in (self.subnet.network_address, self.subnet.broadcast_address):
            raise AddressTaken(address)
        self._used.add(address)
        return address

    def next(self) -> IPv4:
        """Reserve the next free address: NoAddressLeft."""
        first, last = int(self._within.network_address), int(self._within.broadcast_address)
        if self._within == self.subnet:
            first, last = first + 1, last - 1
        size = last - first + 1
        start = max(self._last + 1, first)
        for step in range(size):
            candidate = IPv4(first + (start - first + step) % size)
            if candidate not in self._used:
                self._last = int(candidate)
                self._used.add(candidate)
                return candidate
        raise NoAddressLeft(self.subnet)

    def give_back(self, address: IPv4) -> None:
        if address != self.gateway:
            self._used.discard(address)
