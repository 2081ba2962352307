"""Addresses of those who left are free when they are gone, not when they are let go."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from wherry.network import ipam
from wherry.network.addressbook import AddressBook, InvalidAddress
from wherry.network.drivers.plain import Plain
from wherry.network.endpoint import Endpoint
from wherry.network.network import Network

_NETWORK = Network(id="n", name="net", driver="bridge", created=0, subnet="10.0.0.0/29", gateway="10.0.0.1")


class KernelInMemory(Plain):
    """Endpoints exist until the test or `leave` says otherwise."""

    def __init__(self) -> None:
        self.present: set[str] = set()
        self.removed: list[str] = []

    def remains(self, endpoint: Endpoint) -> bool:
        return endpoint.id in self.present

    def leave(self, endpoint: Endpoint) -> None:
        self.present.discard(endpoint.id)
        self.removed.append(endpoint.id)


class Scene:
    def __init__(self) -> None:
        self.now = 0.0
        self.kernel = KernelInMemory()
        self.book = AddressBook({"bridge": self.kernel}, clock=lambda: self.now)
        self.book.open(_NETWORK)
        self.count = 0

    def join(self, wanted: str = "") -> Endpoint:
        self.count += 1
        endpoint = Endpoint(
            id=f"e{self.count}",
            container="c",
            network_id="n",
            network="net",
            driver="bridge",
            sandbox="",
            address=self.book.take(_NETWORK, wanted),
        )
        self.kernel.present.add(endpoint.id)
        return endpoint


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_one_that_is_gone_gives_way_without_being_removed(scene: Scene) -> None:
    endpoint = scene.join("10.0.0.5")
    scene.book.depart(endpoint)
    scene.kernel.present.clear()
    assert scene.join("10.0.0.5").address == "10.0.0.5"
    assert not scene.kernel.removed


def test_one_that_lingers_with_a_wanted_address_is_removed_at_once(scene: Scene) -> None:
    lingering = scene.join("10.0.0.5")
    other = scene.join("10.0.0.6")
    for endpoint in (lingering, other):
        scene.book.depart(endpoint)
    assert scene.join("10.0.0.5").address == "10.0.0.5"
    assert scene.kernel.removed == [lingering.id]


def test_those_who_linger_do_not_exhaust_a_subnet(scene: Scene) -> None:
    for _ in range(3):
        joined = [scene.join() for _ in range(5)]
        assert len({endpoint.address for endpoint in joined}) == 5
        for endpoint in joined:
            scene.book.depart(endpoint)


def test_one_that_lingers_for_long_is_removed_by_the_next_who_comes(scene: Scene) -> None:
    lingering = scene.join()
    scene.book.depart(lingering)
    scene.join()
    assert not scene.kernel.removed
    scene.now = 5
    scene.join()
    assert scene.kernel.removed == [lingering.id]


def test_an_address_in_use_is_nobody_elses(scene: Scene) -> None:
    scene.join("10.0.0.5")
    with pytest.raises(ipam.AddressTaken):
        scene.join("10.0.0.5")
    with pytest.raises(InvalidAddress):
        scene.join("nonsense")


def test_a_full_network_says_whose_addresses_are_used_up(scene: Scene) -> None:
    for _ in range(5):
        scene.join()
    with pytest.raises(ipam.NoAddressLeft) as failure:
        scene.join()
    assert failure.value.message == "no available IPv4 addresses on this network's address pools: net (n)"


def test_claimed_addresses_are_in_use(scene: Scene) -> None:
    def claim(address: str, **changes: Any) -> None:
        base = Endpoint(id="x", container="c", network_id="n", network="net", driver="bridge", sandbox="")
        scene.book.claim(msgspec.structs.replace(base, address=address, **changes))

    claim("10.0.0.2")
    claim("10.0.0.2")
    claim("10.9.0.2")
    claim("10.0.0.3", network_id="unknown")
    assert scene.join().address == "10.0.0.3"
