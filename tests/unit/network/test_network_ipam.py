from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from wherry import errors
from wherry.network import ipam
from wherry.network.ipam import Addresses

_SUBNET = IPv4Network("10.1.0.0/29")
_GATEWAY = IPv4Address("10.1.0.1")


def test_default_pools_are_dockers() -> None:
    used: list[IPv4Network] = []
    while True:
        try:
            used.append(ipam.choose_subnet(used))
        except ipam.PoolsExhausted as error:
            assert error.message == "all predefined address pools have been fully subnetted"
            assert error.hint
            break
    assert [str(subnet) for subnet in used[:4]] == ["172.17.0.0/16", "172.18.0.0/16", "172.19.0.0/16", "172.20.0.0/16"]
    assert str(used[14]) == "172.31.0.0/16"
    assert [str(subnet) for subnet in used[15:17]] == ["192.168.0.0/20", "192.168.16.0/20"]
    assert len(used) == 31


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(8, 30)), max_size=20))
def test_a_chosen_subnet_overlaps_nothing_in_use(used: list[tuple[int, int]]) -> None:
    taken = [IPv4Network((address, prefix), strict=False) for address, prefix in used]
    try:
        chosen = ipam.choose_subnet(taken)
    except ipam.PoolsExhausted:
        return
    assert not any(chosen.overlaps(other) for other in taken)


def test_routes_that_cover_everything_or_one_host_do_not_count() -> None:
    texts = ("0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/8", "10.1.2.3/32", "fd00::/8")
    assert ipam.relevant_routes(map(ipaddress.ip_network, texts)) == [IPv4Network("10.0.0.0/8")]


def test_addresses_follow_the_gateway_in_order() -> None:
    addresses = Addresses(_SUBNET, _GATEWAY)
    assert [str(addresses.next()) for _ in range(5)] == [f"10.1.0.{last}" for last in range(2, 7)]
    with pytest.raises(ipam.NoAddressLeft) as failure:
        addresses.next()
    assert failure.value.message == "no available IPv4 addresses on this network's address pools: 10.1.0.0/29"


def test_an_address_just_freed_is_not_the_next_to_be_used() -> None:
    addresses = Addresses(_SUBNET, _GATEWAY)
    first = addresses.next()
    addresses.give_back(first)
    assert [addresses.next() for _ in range(5)][-1] == first


def test_a_range_narrows_what_is_given_out_but_not_what_can_be_asked_for() -> None:
    addresses = Addresses(IPv4Network("10.1.0.0/24"), _GATEWAY, within=IPv4Network("10.1.0.128/31"))
    assert [str(addresses.next()) for _ in range(2)] == ["10.1.0.128", "10.1.0.129"]
    with pytest.raises(ipam.NoAddressLeft):
        addresses.next()
    assert addresses.take(IPv4Address("10.1.0.7")) == IPv4Address("10.1.0.7")


@pytest.mark.parametrize("address", ["10.1.0.0", "10.1.0.1", "10.1.0.5", "10.1.0.7"])
def test_gateway_network_broadcast_and_reserved_addresses_belong_to_nobody(address: str) -> None:
    addresses = Addresses(_SUBNET, _GATEWAY, reserved=[IPv4Address("10.1.0.5")])
    with pytest.raises(ipam.AddressTaken) as failure:
        addresses.take(IPv4Address(address))
    assert failure.value.message == "Address already in use"
    assert isinstance(failure.value, errors.PermissionDenied)


def test_an_address_elsewhere_is_refused_with_dockers_text() -> None:
    with pytest.raises(ipam.AddressOutside) as failure:
        Addresses(_SUBNET, _GATEWAY).take(IPv4Address("10.2.0.1"))
    assert failure.value.message == "no configured subnet contains IP address 10.2.0.1"


def test_a_point_to_point_subnet_has_room_for_one() -> None:
    addresses = Addresses(IPv4Network("10.1.0.0/31"), IPv4Address("10.1.0.0"))
    assert str(addresses.next()) == "10.1.0.1"


class AddressesMachine(RuleBasedStateMachine):
    """Against a set: nobody gets what another has, and whatever is free can be had."""

    def __init__(self) -> None:
        super().__init__()
        self.subnet = IPv4Network("10.1.0.0/28")
        self.addresses = Addresses(self.subnet, _GATEWAY)
        self.held: set[IPv4Address] = set()
        self.free_for_use = set(self.subnet.hosts()) - {_GATEWAY}

    @rule()
    def next(self) -> None:
        if self.held == self.free_for_use:
            with pytest.raises(ipam.NoAddressLeft):
                self.addresses.next()
        else:
            address = self.addresses.next()
            assert address in self.free_for_use - self.held
            self.held.add(address)

    @rule(number=st.integers(0, 15))
    def take(self, number: int) -> None:
        address = self.subnet[number]
        if address in self.free_for_use - self.held:
            assert self.addresses.take(address) == address
            self.held.add(address)
        else:
            with pytest.raises(ipam.AddressTaken):
                self.addresses.take(address)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        address = data.draw(st.sampled_from(sorted(self.held)))
        self.addresses.give_back(address)
        self.held.discard(address)

    @invariant()
    def the_gateway_is_never_given_out(self) -> None:
        assert _GATEWAY not in self.held


TestAddresses = AddressesMachine.TestCase
