"""Who has which address of which network, and who has just left with one.

When a container's run ends its sandbox dies on its own time, and lives on as long as another process is in it (that of
a container which shares it). Its address is free only when the endpoint is gone from the kernel: two with one address
would take each other's packets. So endpoints that depart keep their address until then; what is still there after a
while, or when its address is needed, is removed by hand. Not safe on several threads: its owner has the lock.
"""

from __future__ import annotations

import contextlib
import ipaddress
import time
from collections.abc import Callable, Mapping

from wherry import errors
from wherry.network import ipam
from wherry.network.drivers.driver import Driver
from wherry.network.endpoint import Endpoint
from wherry.network.network import Network

_PATIENCE = 1.0
"""Seconds that a sandbox may take to die before its endpoint is removed by hand, which takes ten milliseconds."""


class InvalidAddress(errors.InvalidArgument):
    def __init__(self, text: str) -> None:
        super().__init__(f"invalid IPv4 address: {text}")


class AddressBook:
    def __init__(self, drivers: Mapping[str, Driver], clock: Callable[[], float] = time.monotonic) -> None:
        self._drivers = drivers
        self._clock = clock
        self._networks: dict[str, ipam.Addresses] = {}
        self._departed: dict[str, tuple[float, Endpoint]] = {}
        """By endpoint id, in the order of departure."""

    def open(self, network: Network) -> None:
        """Begin to give out a network's addresses."""
        self._networks[network.id] = ipam.Addresses(
            ipaddress.IPv4Network(network.subnet),
            ipaddress.IPv4Address(network.gateway),
            within=ipaddress.IPv4Network(network.ip_range) if network.ip_range else None,
            reserved=[ipaddress.IPv4Address(address) for address in network.reserved.values()],
            owner=f"{network.name} ({network.id})",
        )

    def close(self, network: Network) -> None:
        """The network ends, and with it what it is remembered for."""
        self._networks.pop(network.id, None)
        departed = [endpoint for _, endpoint in self._departed.values() if endpoint.network_id == network.id]
        for endpoint in departed:
            self._remove(endpoint)

    def claim(self, endpoint: Endpoint) -> None:
        """Take back the address of an endpoint from before a restart; one that has become impossible is left alone."""
        addresses = self._networks.get(endpoint.network_id)
        if addresses and endpoint.address:
            with contextlib.suppress(ipam.AddressOutside, ipam.AddressTaken):
                addresses.take(ipaddress.IPv4Address(endpoint.address))

    def take(self, network: Network, wanted: str = "") -> str:
        """An address for a new endpoint, this very one if it says so: AddressOutside, AddressTaken, NoAddressLeft."""
        addresses = self._networks[network.id]
        self._settle()
        try:
            return str(addresses.take(_parse(wanted)) if wanted else addresses.next())
        except (ipam.AddressTaken, ipam.NoAddressLeft):
            if not self._evict(network, wanted):
                raise
        return str(addresses.take(_parse(wanted)) if wanted else addresses.next())

    def free(self, endpoint: Endpoint) -> None:
        """Its address can be given out: the endpoint is gone."""
        addresses = self._networks.get(endpoint.network_id)
        if addresses and endpoint.address:
            addresses.give_back(ipaddress.IPv4Address(endpoint.address))

    def depart(self, endpoint: Endpoint) -> None:
        """Its sandbox has been let go: the address will be free when the endpoint is gone."""
        if endpoint.address:
            self._departed[endpoint.id] = (self._clock(), endpoint)

    def _settle(self) -> None:
        """Free the addresses of those who left a while ago."""
        now = self._clock()
        while self._departed:
            left, endpoint = next(iter(self._departed.values()))
            if now - left < _PATIENCE:
                return
            self._remove(endpoint)

    def _evict(self, network: Network, address: str) -> bool:
        """Remove those who left with this address, or all of them to have any; whether there were any."""
        found = [
            endpoint
            for _, endpoint in self._departed.values()
            if endpoint.network_id == network.id and address in ("", endpoint.address)
        ]
        for endpoint in found:
            self._remove(endpoint)
        return bool(found)

    def _remove(self, endpoint: Endpoint) -> None:
        driver = self._drivers[endpoint.driver]
        with contextlib.suppress(OSError):
            if driver.remains(endpoint):
                driver.leave(endpoint)
        del self._departed[endpoint.id]
        self.free(endpoint)


def _parse(text: str) -> ipaddress.IPv4Address:
    try:
        return ipaddress.IPv4Address(text)
    except ValueError:
        raise InvalidAddress(text) from None
