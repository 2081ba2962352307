from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

import pytest

from wherry import errors
from wherry.network import definition, ipam
from wherry.network.definition import Asked
from wherry.network.network import InvalidNetwork, Network, PredefinedNetwork, UnknownDriver

_ID = "0123456789abcdef" * 4


def made(**asked: Any) -> Network:
    wanted = Asked(**{"name": "n", **asked})
    definition.check(wanted)
    subnet = definition.choose_subnet(wanted, [], [], ipam.DEFAULT_POOLS)
    return definition.network(wanted, subnet, _ID, created=1)


def test_a_network_without_wishes_gets_a_subnet_a_gateway_and_a_bridge() -> None:
    network = made()
    assert (network.subnet, network.gateway, network.link) == ("172.17.0.0/16", "172.17.0.1", "br-0123456789ab")
    assert (network.icc, network.masquerade, network.internal, network.mtu) == (True, True, False, 0)


def test_the_options_of_dockers_bridge_driver_are_understood() -> None:
    network = made(
        options={
            "com.docker.network.bridge.name": "mine0",
            "com.docker.network.bridge.enable_icc": "false",
            "com.docker.network.bridge.enable_ip_masquerade": "0",
            "com.docker.network.bridge.host_binding_ipv4": "127.0.0.1",
            "com.docker.network.driver.mtu": "1400",
            "com.docker.network.container_iface_prefix": "net",
            "com.docker.network.bridge.gateway_mode_ipv4": "nat",
            "of.somebody.else": "1",
        }
    )
    assert (network.link, network.icc, network.masquerade) == ("mine0", False, False)
    assert (network.host_address, network.mtu, network.interface_prefix) == ("127.0.0.1", 1400, "net")


def test_an_internal_network_is_not_masqueraded() -> None:
    assert not made(internal=True).masquerade


def test_the_gateway_avoids_reserved_addresses() -> None:
    assert made(subnet="10.0.0.0/24", reserved={"router": "10.0.0.1"}).gateway == "10.0.0.2"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"subnet": "10.0.0.1/24"}, "invalid subnet 10.0.0.1/24: it should be 10.0.0.0/24"),
        ({"subnet": "nonsense"}, "invalid subnet nonsense: invalid CIDR block notation"),
        ({"subnet": "fd00::/64"}, "invalid subnet fd00::/64: invalid CIDR block notation"),
        (
            {"subnet": "10.0.0.0/24", "gateway": "10.0.1.1"},
            "invalid gateway 10.0.1.1: parent subnet 10.0.0.0/24 doesn't contain this address",
        ),
        ({"subnet": "10.0.0.0/24", "gateway": "x"}, "invalid gateway x: invalid address"),
        (
            {"subnet": "10.0.0.0/24", "reserved": {"a": "10.9.0.1"}},
            "invalid auxiliary address 10.9.0.1: parent subnet 10.0.0.0/24 doesn't contain this address",
        ),
        (
            {"subnet": "10.0.0.0/24", "ip_range": "10.0.0.9/25"},
            "invalid ip-range 10.0.0.9/25: it should be 10.0.0.0/25",
        ),
        (
            {"subnet": "10.0.0.0/24", "ip_range": "10.0.0.0/16"},
            "invalid ip-range 10.0.0.0/16: CIDR block is bigger than its parent subnet 10.0.0.0/24",
        ),
        (
            {"subnet": "10.0.0.0/24", "ip_range": "10.0.1.0/25"},
            "invalid ip-range 10.0.1.0/25: parent subnet 10.0.0.0/24 doesn't contain ip-range",
        ),
    ],
)
def test_impossible_addresses_are_refused_with_dockers_text(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidNetwork) as failure:
        made(**asked)
    assert failure.value.message == f"invalid network config:\n{message}"


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InvalidNetwork) as failure:
        made(subnet="10.0.0.1/24", gateway="10.1.0.1", ip_range="x")
    assert len(failure.value.message.splitlines()) == 4


@pytest.mark.parametrize(
    "options",
    [
        {"com.docker.network.driver.mtu": "big"},
        {"com.docker.network.driver.mtu": "10"},
        {"com.docker.network.bridge.enable_icc": "perhaps"},
        {"com.docker.network.bridge.host_binding_ipv4": "fd00::1"},
        {"com.docker.network.bridge.name": "sixteen-letters-"},
        {"com.docker.network.bridge.name": "a/b"},
    ],
)
def test_malformed_options_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(InvalidNetwork):
        made(options=options)


def test_options_that_are_not_implemented_are_refused_rather_than_ignored() -> None:
    with pytest.raises(errors.Unsupported):
        made(options={"com.docker.network.bridge.gateway_mode_ipv4": "routed"})


def test_names_and_drivers_are_checked() -> None:
    with pytest.raises(InvalidNetwork):
        made(name=" ")
    with pytest.raises(UnknownDriver):
        made(driver="overlay")
    with pytest.raises(PredefinedNetwork) as failure:
        made(name="bridge")
    assert failure.value.message == "operation is not permitted on predefined bridge network "


def test_a_subnet_that_overlaps_another_network_is_refused() -> None:
    other = made(subnet="10.0.0.0/16")
    with pytest.raises(ipam.PoolOverlaps) as failure:
        definition.choose_subnet(Asked(name="x", subnet="10.0.3.0/24"), [other], [], ())
    assert failure.value.message == "invalid pool request: Pool overlaps with other one on this address space"
    assert "10.0.0.0/16" in failure.value.hint


def test_a_chosen_subnet_avoids_the_hosts_routes() -> None:
    routes = [IPv4Network("172.16.0.0/14")]
    assert str(definition.choose_subnet(Asked(name="x"), [], routes, ipam.DEFAULT_POOLS)) == "172.20.0.0/16"
