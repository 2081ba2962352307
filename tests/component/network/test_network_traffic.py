"""What can be reached from where: packets through the real kernel, between real namespaces."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.component.network.scene import Scene
from tests.support import networking
from tests.support.networking import HOST, NEIGHBOUR, ask, is_silent, run, serve
from wherry.network.endpoint import Endpoint
from wherry.network.networks import Attachment

WEB = [("80/tcp", "", "8080")]


def test_a_published_port_is_reached_from_everywhere_and_sees_who_comes(scene: Scene, neighbour: str) -> None:
    web = scene.connect(publish=WEB)
    with serve(web.sandbox, 80):
        assert ask(neighbour, HOST, 8080) == f"server {NEIGHBOUR}"
        assert ask(None, "127.0.0.1", 8080) == f"server {web.gateway}"
        assert ask(None, "127.0.0.9", 8080) == f"server {web.gateway}"
        assert ask(None, HOST, 8080).startswith("server ")
        assert ask(None, web.gateway, 8080) == f"server {web.gateway}"
        assert ask(None, web.address, 80) == f"server {web.gateway}"


def test_the_documented_rules_open_a_chain_that_drops(scene: Scene, neighbour: str) -> None:
    web = scene.connect(publish=WEB)
    run("nft 'table ip filter { chain FORWARD { type filter hook forward priority 0; policy drop; }; }'")
    with serve(web.sandbox, 80), serve(neighbour, 7):
        assert is_silent(neighbour, HOST, 8080)
        assert is_silent(web.sandbox, NEIGHBOUR, 7)
        text = (Path(__file__).parents[3] / "docs" / "networking.md").read_text(encoding="utf-8")
        for line in text.splitlines():
            if line.startswith("    nft insert rule"):
                run(line)
        assert ask(neighbour, HOST, 8080)
        assert ask(web.sandbox, NEIGHBOUR, 7)


@pytest.fixture(params=["1", "0"], ids=["bridged packets are filtered", "bridged packets are not filtered"])
def bridge_filter(request: pytest.FixtureRequest) -> None:
    switch = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
    if switch.exists():
        switch.write_text(request.param, encoding="ascii")


@pytest.mark.usefixtures("bridge_filter")
def test_a_published_port_is_reached_from_containers_by_way_of_the_host(scene: Scene, neighbour: str) -> None:
    web, client = scene.connect(publish=WEB), scene.connect()
    scene.network("other")
    stranger = scene.connect("other")
    with serve(web.sandbox, 80):
        assert ask(client.sandbox, web.gateway, 8080)
        assert ask(client.sandbox, HOST, 8080)
        assert ask(web.sandbox, web.gateway, 8080), "itself"
        assert ask(stranger.sandbox, HOST, 8080) == f"server {stranger.address}"


def test_udp_is_published_too(scene: Scene, neighbour: str) -> None:
    dns = scene.connect(publish=[("53/udp", "", "5353"), ("53/tcp", "", "5353")])
    with serve(dns.sandbox, 53, "udp"):
        assert ask(neighbour, HOST, 5353, "udp") == f"server {NEIGHBOUR}"
        assert ask(None, "127.0.0.1", 5353, "udp") == f"server {dns.gateway}"
        assert is_silent(neighbour, HOST, 5353, "tcp")


def test_a_udp_flow_follows_the_port_to_its_next_container(scene: Scene, neighbour: str) -> None:
    source = (NEIGHBOUR, 40000)

    def say() -> str:
        return ask(neighbour, HOST, 5353, "udp", source=source)

    with pytest.raises(networking.NoAnswer):
        say()
    for name in ("first", "second"):
        dns = scene.connect(publish=[("53/udp", "", "5353")])
        with serve(dns.sandbox, 53, "udp", name):
            assert say() == f"{name} {NEIGHBOUR}"
        scene.disconnect(dns.container)


def test_several_addresses_may_publish_one_port(scene: Scene, neighbour: str) -> None:
    local = scene.connect(publish=[("80/tcp", "127.0.0.1", "8080")])
    outward = scene.connect(publish=[("80/tcp", HOST, "8080")])
    with serve(local.sandbox, 80, name="local"), serve(outward.sandbox, 80, name="outward"):
        assert ask(None, "127.0.0.1", 8080).startswith("local")
        assert ask(neighbour, HOST, 8080).startswith("outward")


class Lan:
    """A hostile neighbour: with routes to the bridge and to the host's loopback."""

    def __init__(self, path: str) -> None:
        self.path = path
        run(f"ip route add 172.16.0.0/12 via {HOST}", path)
        run("echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet; ip addr del 127.0.0.1/8 dev lo", path)
        run(f"ip route add 127.0.0.0/8 via {HOST}", path)

    def reaches_nothing_of(self, web: Endpoint, loopback_port: int) -> None:
        places = (("127.0.0.1", loopback_port), (HOST, loopback_port), (web.address, 80), (web.address, 81))
        for address, port in places:
            for protocol in ("tcp", "udp"):
                assert is_silent(self.path, address, port, protocol), (address, port, protocol)


def test_loopback_and_unpublished_ports_are_out_of_reach_for_neighbours(scene: Scene, neighbour: str) -> None:
    web = scene.connect(publish=[("80/tcp", "127.0.0.1", "8080"), ("80/udp", "127.0.0.1", "8080")])
    lan = Lan(neighbour)
    servers = [serve(web.sandbox, port, protocol) for port in (80, 81) for protocol in ("tcp", "udp")]
    with servers[0], servers[1], servers[2], servers[3]:
        assert ask(None, "127.0.0.1", 8080)
        lan.reaches_nothing_of(web, 8080)
        run("nft flush ruleset")
        _wait_until(lambda: "at_raw" in run("nft list ruleset"))
        lan.reaches_nothing_of(web, 8080)
        assert ask(None, "127.0.0.1", 8080)
        scene.restart()
        lan.reaches_nothing_of(web, 8080)
        assert ask(None, "127.0.0.1", 8080)


def test_a_container_cannot_reach_the_hosts_loopback(scene: Scene) -> None:
    web = scene.connect()
    run("echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet; ip addr del 127.0.0.1/8 dev lo", web.sandbox)
    run(f"ip route add 127.0.0.0/8 via {web.gateway}", web.sandbox)
    with serve(None, 631), serve(None, 631, "udp"):
        assert ask(None, "127.0.0.1", 631)
        assert is_silent(web.sandbox, "127.0.0.1", 631)
        assert is_silent(web.sandbox, "127.0.0.1", 631, "udp")


def test_what_leaves_a_network_has_the_hosts_address(scene: Scene, neighbour: str) -> None:
    scene.network("other")
    with serve(neighbour, 7), serve(neighbour, 7, "udp"):
        for network in ("bridge", "other"):
            client = scene.connect(network)
            assert ask(client.sandbox, NEIGHBOUR, 7) == f"server {HOST}"
            assert ask(client.sandbox, NEIGHBOUR, 7, "udp") == f"server {HOST}"


def test_without_masquerading_the_containers_address_is_seen(scene: Scene, neighbour: str) -> None:
    scene.network("plain", options={"com.docker.network.bridge.enable_ip_masquerade": "false"})
    client = scene.connect("plain")
    with serve(neighbour, 7):
        assert ask(client.sandbox, NEIGHBOUR, 7) == f"server {client.address}"


def test_networks_are_apart_from_each_other(scene: Scene) -> None:
    scene.network("other")
    here, there = scene.connect(), scene.connect("other")
    with serve(there.sandbox, 80), serve(here.sandbox, 80):
        assert is_silent(here.sandbox, there.address, 80)
        assert is_silent(there.sandbox, here.address, 80)
        assert is_silent(here.sandbox, there.gateway, 80)
        assert ask(scene.connect("other").sandbox, there.address, 80)


@pytest.mark.usefixtures("bridge_filter")
def test_without_icc_only_published_ports_connect_containers(scene: Scene) -> None:
    scene.network("apart", options={"com.docker.network.bridge.enable_icc": "false"})
    web, client = scene.connect("apart", publish=WEB), scene.connect("apart")
    with serve(web.sandbox, 80):
        assert is_silent(client.sandbox, web.address, 80)
        assert ask(client.sandbox, web.gateway, 8080)
        assert ask(None, web.address, 80)
        run(f"ip route add {web.address}/32 via {web.gateway}", client.sandbox)
        assert is_silent(client.sandbox, web.address, 80), "by way of the host"


@pytest.mark.usefixtures("bridge_filter")
def test_an_internal_network_has_no_way_in_or_out(scene: Scene, neighbour: str) -> None:
    scene.network("inner", internal=True)
    inner, other = scene.connect("inner", publish=WEB), scene.connect("inner")
    outer = scene.connect(publish=[("80/tcp", "", "8081")])
    assert not inner.bindings
    assert not inner.gateway
    assert "default" not in run("ip route", inner.sandbox)
    bridge = scene.networks.find("inner").gateway
    run(f"ip route add default via {bridge}", inner.sandbox)
    run(f"ip route add 172.16.0.0/12 via {HOST}", neighbour)
    run("nft 'table ip admin { chain c { type nat hook prerouting priority -110; }; }'")
    run(f"nft add rule ip admin c tcp dport 8082 dnat to {inner.address}:80")
    with serve(inner.sandbox, 80), serve(neighbour, 7), serve(neighbour, 7, "udp"), serve(outer.sandbox, 80):
        assert ask(other.sandbox, inner.address, 80)
        assert ask(None, inner.address, 80)
        assert is_silent(inner.sandbox, NEIGHBOUR, 7)
        assert is_silent(inner.sandbox, NEIGHBOUR, 7, "udp")
        assert is_silent(inner.sandbox, outer.address, 80)
        assert is_silent(inner.sandbox, HOST, 8081), "published ports of other networks are outside too"
        assert is_silent(neighbour, inner.address, 80)
        assert is_silent(neighbour, HOST, 8082), "whatever others redirect"
        assert is_silent(outer.sandbox, inner.address, 80)


@pytest.mark.usefixtures("bridge_filter")
def test_a_container_cannot_speak_with_anothers_address(scene: Scene, neighbour: str) -> None:
    client = scene.connect()
    run("ip addr add 198.51.100.7/32 dev eth0", client.sandbox)
    received = networking.at(neighbour, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    with received, networking.at(client.sandbox, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as spoofing:
        received.bind((NEIGHBOUR, 9))
        received.settimeout(0.3)
        with networking.at(client.sandbox, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as honest:
            honest.sendto(b"honest", (NEIGHBOUR, 9))
            assert received.recv(10) == b"honest"
        spoofing.bind(("198.51.100.7", 0))
        spoofing.sendto(b"spoofed", (NEIGHBOUR, 9))
        with pytest.raises(TimeoutError):
            received.recv(10)


def test_a_new_container_is_reached_at_once_at_an_address_that_another_had(scene: Scene) -> None:
    scene.network("fixed", subnet="10.99.0.0/24")
    peer = scene.connect("fixed", address="10.99.0.9")
    for number in range(6):
        endpoint = scene.connect("fixed", address="10.99.0.5")
        start = time.monotonic()
        with serve(endpoint.sandbox, 80, name=f"n{number}"):
            for place in (None, peer.sandbox):
                assert ask(place, "10.99.0.5", 80).startswith(f"n{number} ")
        assert time.monotonic() - start < 0.7, "a lost packet is sent again after a second"
        scene.disconnect(endpoint.container)


def test_a_host_that_was_made_a_router_for_us_routes_for_nobody_else(
    make_scene: Callable[..., Scene], neighbour: str, tmp_path: Path
) -> None:
    with networking.neighbour(tmp_path, "dmz", "198.51.100.1", "198.51.100.2") as far, serve(far, 7):
        scene = make_scene()
        assert is_silent(neighbour, "198.51.100.2", 7)
        scene.restart()
        assert is_silent(neighbour, "198.51.100.2", 7), "after a restart as well"
        assert ask(scene.connect().sandbox, "198.51.100.2", 7)
        scene.clean()
        assert run("cat /proc/sys/net/ipv4/ip_forward") == "0\n"


def test_a_host_that_was_a_router_stays_one(make_scene: Callable[..., Scene], neighbour: str, tmp_path: Path) -> None:
    run("echo 1 > /proc/sys/net/ipv4/ip_forward")
    with networking.neighbour(tmp_path, "dmz", "198.51.100.1", "198.51.100.2") as far, serve(far, 7):
        scene = make_scene()
        assert ask(neighbour, "198.51.100.2", 7) == f"server {NEIGHBOUR}"
        scene.clean()
        assert run("cat /proc/sys/net/ipv4/ip_forward") == "1\n"


def test_the_network_of_highest_priority_leads_out(scene: Scene, neighbour: str) -> None:
    for name in ("zeta", "alpha", "omega"):
        scene.network(name, internal=name == "alpha")
    priorities = {"alpha": 9, "omega": 0, "zeta": 1}
    wanted = [Attachment(network=name, priority=priority) for name, priority in priorities.items()]
    alpha, omega, zeta = scene.connect_all(wanted, WEB)
    assert [each.interface for each in (alpha, omega, zeta)] == ["eth0", "eth1", "eth2"]
    assert f"default via {zeta.gateway} dev eth2" in run("ip route", zeta.sandbox)
    assert [bool(each.bindings) for each in (alpha, omega, zeta)] == [False, False, True]
    with serve(zeta.sandbox, 80):
        assert ask(neighbour, HOST, 8080) == f"server {NEIGHBOUR}"


def test_the_default_route_moves_with_the_networks_of_a_running_container(scene: Scene, neighbour: str) -> None:
    for name in ("first", "second"):
        scene.network(name)
    first = scene.connect("second")
    second = scene.networks.attach(first.container, Attachment(network="first"))
    assert second.interface == "eth1"
    assert f"default via {second.gateway}" in run("ip route", first.sandbox)
    third = scene.networks.attach(first.container, Attachment(network="bridge", priority=-1))
    assert f"default via {second.gateway}" in run("ip route", first.sandbox)
    scene.networks.detach(second)
    assert f"default via {first.gateway}" in run("ip route", first.sandbox)
    again = scene.networks.attach(first.container, Attachment(network="first"))
    assert again.interface == "eth1"
    for endpoint in (first, third, again):
        scene.networks.detach(endpoint)
        scene.networks.detach(endpoint)
    assert "eth" not in run("ip -o link", first.sandbox)


def _wait_until(condition: Callable[[], bool], seconds: float = 3.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
