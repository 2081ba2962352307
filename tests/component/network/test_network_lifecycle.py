"""Making, unmaking, crashing and starting again: what is left in the kernel is what the records say."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.component.network.scene import Scene, elements
from tests.support.networking import ask, run, serve
from wherry import errors
from wherry.network import ipam
from wherry.network.network import NetworkFailed, NetworkInUse, PredefinedNetwork
from wherry.network.networks import AddressOnPredefined, CannotPublish

WEB = [("80/tcp", "", "8080")]
_ROOT = Path(__file__).parents[3]


def test_predefined_networks_keep_their_ids_and_the_bridge_its_subnet(scene: Scene) -> None:
    before = {network.name: (network.id, network.subnet, network.link) for network in scene.networks.list()}
    assert before.keys() == {"bridge", "host", "none"}
    assert before["bridge"][1:] == ("172.17.0.0/16", "wherry0")
    scene.restart()
    assert {network.name: (network.id, network.subnet, network.link) for network in scene.networks.list()} == before


def test_the_default_subnet_avoids_the_hosts_routes(make_scene: Callable[..., Scene]) -> None:
    run("ip link add lan type bridge; ip addr add 172.17.3.4/24 dev lan; ip link set lan up")
    assert make_scene().networks.find("bridge").subnet == "172.18.0.0/16"


def test_a_changed_configuration_changes_the_bridge_and_not_its_id(make_scene: Callable[..., Scene]) -> None:
    first = make_scene(subnet="10.50.0.1/24")
    identifier = first.networks.find("bridge").id
    first.crash()
    changed = make_scene(subnet="10.60.0.1/24", icc=False).networks.find("bridge")
    assert (changed.id, changed.icc) == (identifier, False)
    assert (changed.subnet, changed.gateway) == ("10.60.0.0/24", "10.60.0.1")
    addresses = run("ip -o -4 addr show wherry0")
    assert "10.60.0.1/24" in addresses
    assert "10.50.0.1" not in addresses


def test_a_bridge_of_the_administrator_is_used_and_left_alone(make_scene: Callable[..., Scene]) -> None:
    run("ip link add mine0 type bridge; ip addr add 10.70.0.1/24 dev mine0; ip addr add 10.71.0.1/24 dev mine0")
    scene = make_scene(link="mine0")
    network = scene.networks.find("bridge")
    assert (network.subnet, network.gateway) == ("10.70.0.0/24", "10.70.0.1")
    assert scene.connect().address == "10.70.0.2"
    scene.clean()
    assert "10.71.0.1/24" in run("ip -o addr show mine0")


def test_the_bridges_hardware_address_does_not_follow_its_ports(scene: Scene) -> None:
    def address() -> str:
        return run("ip link show wherry0").partition("link/ether")[2].split()[0]

    before = address()
    for _ in range(4):
        endpoint = scene.connect()
        assert address() == before
        scene.disconnect(endpoint.container)
    assert _veths() == []
    assert address() == before


def test_stopping_gives_the_host_back(scene: Scene) -> None:
    scene.network("other")
    scene.disconnect(scene.connect("other", publish=WEB).container)
    scene.clean()
    assert run("nft list ruleset") == ""
    assert "wherry0" not in run("ip -o link")
    assert "br-" not in run("ip -o link")
    assert run("cat /proc/sys/net/ipv4/ip_forward") == "0\n"


def test_stopping_leaves_what_containers_use(scene: Scene) -> None:
    web = scene.connect(publish=WEB)
    scene.stop()
    with serve(web.sandbox, 80):
        assert ask(None, "127.0.0.1", 8080)


def test_a_live_endpoint_is_claimed_after_a_crash(scene: Scene) -> None:
    web = scene.connect(publish=WEB)
    scene.restart()
    with serve(web.sandbox, 80):
        assert ask(None, "127.0.0.1", 8080)
    with pytest.raises(CannotPublish, match="port is already allocated"):
        scene.connect(publish=WEB)
    assert scene.connect().address not in ("", web.address)
    scene.disconnect(web.container)
    assert scene.connect(publish=WEB).bindings == web.bindings


def test_what_nobody_claims_is_removed_after_a_crash(scene: Scene) -> None:
    scene.network("other")
    before = scene.census()
    for network in ("bridge", "other"):
        scene.connect(network, publish=[("80/tcp", "", ""), ("81/udp", "127.0.0.1", "")])
    scene.running.clear()
    scene.restart()
    assert scene.census() == before
    assert _veths() == []


def test_a_port_that_came_off_its_bridge_is_put_back(scene: Scene) -> None:
    web = scene.connect(publish=WEB)
    scene.crash()
    run("ip link del wherry0")
    scene.start()
    with serve(web.sandbox, 80):
        assert ask(None, "127.0.0.1", 8080)


_CREATE = ("network:after-record", "network:after-set-up")
_REMOVE = ("network:after-take-down",)
_CONNECT = ("connect:after-sandbox", "connect:after-join", "connect:after-publish")
_DISCONNECT = ("disconnect:after-withdraw",)


@pytest.mark.parametrize("point", [*_CREATE, *_REMOVE, *_CONNECT, *_DISCONNECT])
def test_killed_at_any_point_the_next_start_leaves_only_what_the_records_say(
    make_scene: Callable[..., Scene], tmp_path: Path, point: str
) -> None:
    environment = {**os.environ, "WHERRY_FAULTS": f"{point}=kill", "PYTHONPATH": f"{_ROOT}/src:{_ROOT}"}
    victim = subprocess.run([sys.executable, "-c", _VICTIM, str(tmp_path)], env=environment, check=False)
    assert victim.returncode == -9
    scene = make_scene()
    networks = {network.name: network for network in scene.networks.list()}
    assert "n" in networks
    expected = sorted(network.link for network in networks.values() if network.link)
    census = scene.census()
    assert census["bridges"] == expected
    assert census["sandboxes"] == []
    assert census["elements"]["published_anywhere"] == 0
    assert census["elements"]["bridges"] == len(expected)
    assert _veths() == []
    assert scene.connect("n", publish=WEB).bindings
    scene.disconnect(next(iter(scene.running)))
    scene.networks.remove("n")


_VICTIM = """
import sys
from pathlib import Path
from tests.component.network.scene import Scene
scene = Scene(Path(sys.argv[1]))
scene.network("n")
endpoint = scene.connect("n", publish=[("80/tcp", "", "8080")])
scene.disconnect(endpoint.container)
scene.networks.remove("n")
"""


def _veths() -> list[str]:
    """After the kernel has had time to end namespaces."""
    for _ in range(50):
        found = [line for line in run("ip -o link show type veth").splitlines() if "veth" in line.split()[1]]
        if not found:
            return []
        time.sleep(0.05)
    return found


@pytest.mark.parametrize("point", [*_CONNECT, "network:after-record", "network:after-set-up"])
def test_what_fails_half_way_is_undone(scene: Scene, point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.network("n")
    before = scene.census()
    monkeypatch.setattr("wherry.faults._armed", {point: "error"})
    with pytest.raises(NetworkFailed):
        scene.network("m") if point.startswith("network") else scene.connect("n", publish=WEB)
    monkeypatch.setattr("wherry.faults._armed", {})
    assert scene.census() == before
    assert _veths() == []
    assert scene.connect("n", publish=WEB)
    assert scene.network("m")


def test_a_taken_address_leaves_nothing_behind(scene: Scene) -> None:
    scene.network("n", subnet="10.9.0.0/24")
    scene.connect("n", address="10.9.0.5")
    before = scene.census()
    with pytest.raises(ipam.AddressTaken):
        scene.connect("n", address="10.9.0.5", publish=WEB)
    with pytest.raises(ipam.AddressOutside):
        scene.connect("n", address="10.8.0.5")
    with pytest.raises(AddressOnPredefined):
        scene.connect(address="172.17.0.9")
    assert scene.census() == before


def test_disconnecting_again_takes_nothing_from_the_next(scene: Scene) -> None:
    first = scene.connect(publish=WEB)
    scene.disconnect(first.container)
    second = scene.connect(publish=WEB)
    scene.networks.disconnect(first.container, [first])
    scene.networks.detach(first)
    with serve(second.sandbox, 80):
        assert ask(None, "127.0.0.1", 8080)


def test_an_address_whose_sandbox_somebody_still_holds_is_moved_at_once(scene: Scene) -> None:
    scene.network("n", subnet="10.9.0.0/24")
    old = scene.connect("n", address="10.9.0.5")
    with serve(old.sandbox, 80, name="old"):
        assert ask(None, "10.9.0.5", 80).startswith("old")
        scene.disconnect(old.container)
        new = scene.connect("n", address="10.9.0.5")
        with serve(new.sandbox, 80, name="new"):
            for _ in range(5):
                assert ask(None, "10.9.0.5", 80).startswith("new")


def test_a_network_in_use_or_predefined_is_not_removed(scene: Scene) -> None:
    scene.network("n")
    endpoint = scene.connect("n", aliases=("web", "alias"))
    with pytest.raises(NetworkInUse) as failure:
        scene.networks.remove("n")
    assert failure.value.message == (
        f'error while removing network: network n has active endpoints (name:"web" id:"{endpoint.id[:12]}")'
    )
    with pytest.raises(PredefinedNetwork, match="bridge is a pre-defined network and cannot be removed"):
        scene.networks.remove("bridge")
    scene.disconnect(endpoint.container)
    scene.networks.remove("n")
    assert scene.networks.list() == [scene.networks.find(name) for name in ("bridge", "host", "none")]


def test_networks_with_one_name_or_one_bridge_conflict(scene: Scene) -> None:
    name = {"com.docker.network.bridge.name": "mine0"}
    scene.network("n", options=name)
    with pytest.raises(errors.Conflict, match="network with name n already exists"):
        scene.network("n")
    with pytest.raises(errors.PermissionDenied, match="networks have same bridge name"):
        scene.network("m", options=name)


def test_a_bridge_name_that_is_another_link_is_refused_and_leaves_no_record(scene: Scene) -> None:
    run("ip link add mine0 type veth peer name mine1")
    with pytest.raises(errors.InvalidArgument, match="mine0"):
        scene.network("n", options={"com.docker.network.bridge.name": "mine0"})
    assert "mine0" in run("ip -o link")
    assert scene.census()["networks"] == ["bridge", "host", "none"]


def test_network_none_is_a_sandbox_with_nothing_but_its_loopback(scene: Scene) -> None:
    endpoint = scene.connect("none", publish=WEB)
    assert (endpoint.address, endpoint.interface, endpoint.bindings) == ("", "", ())
    links = run("ip -o link", endpoint.sandbox)
    assert len(links.splitlines()) == 1
    assert "LOOPBACK,UP" in links
    assert endpoint.sandbox == scene.networks.sandbox(endpoint.container)


def test_a_sandbox_has_dockers_sysctls_and_no_ipv6(scene: Scene) -> None:
    endpoint = scene.connect()
    read = "cd /proc/sys/net; cat ipv4/ip_unprivileged_port_start ipv4/ping_group_range ipv6/conf/eth0/disable_ipv6"
    assert run(read, endpoint.sandbox).split() == ["0", "0", "2147483647", "1"]
    assert "inet6" not in run("ip addr show eth0", endpoint.sandbox)


def test_mac_and_mtu_are_what_was_asked_for(scene: Scene) -> None:
    scene.network("n", options={"com.docker.network.driver.mtu": "1400"})
    endpoint = scene.connect("n", mac="02:42:ac:11:00:99")
    shown = run("ip link show eth0", endpoint.sandbox)
    assert "02:42:ac:11:00:99" in shown
    assert "mtu 1400" in shown
    with pytest.raises(NetworkFailed, match="failed to set up container networking"):
        scene.connect("n", mac="ff:ff:ff:ff:ff:ff")


def test_many_networks_and_endpoints_at_once_neither_overlap_nor_leak(scene: Scene) -> None:
    before = scene.census()
    subnets: list[str] = []
    endpoints: list[tuple[str, str]] = []

    def use(number: int) -> None:
        network = scene.network(f"n{number}")
        subnets.append(network.subnet)
        made = [scene.connect(network.name, publish=[("80/tcp", "", "")]) for _ in range(3)]
        endpoints.extend((endpoint.address, network.name) for endpoint in made)
        for endpoint in made:
            scene.disconnect(endpoint.container)
        scene.networks.remove(network.name)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, range(24)))
    assert len(set(endpoints)) == 72
    assert len(subnets) == 24
    assert scene.census() == before
    assert _veths() == []


def test_an_exhausted_pool_names_the_way_out(make_scene: Callable[..., Scene]) -> None:
    scene = make_scene(pools=(("10.0.0.0/30", 30), ("10.0.1.0/29", 30)))
    scene.network("one")
    scene.network("two")
    with pytest.raises(ipam.PoolsExhausted) as failure:
        scene.network("three")
    assert "default-address-pools" in failure.value.hint
    scene.networks.remove("one")
    assert scene.network("three").subnet == "10.0.1.0/30"


def test_rules_come_back_when_somebody_removes_them(scene: Scene) -> None:
    web = scene.connect(publish=WEB)
    before = elements()
    for removal in (
        "nft flush ruleset",
        "nft delete table inet wherry",
        "nft flush chain inet wherry at_forward",
        "nft flush map inet wherry published_anywhere",
    ):
        run(removal)
        _wait_until(lambda: _intact(before), removal)
    with serve(web.sandbox, 80):
        assert ask(None, "127.0.0.1", 8080)


def _intact(before: dict[str, int]) -> bool:
    try:
        return elements() == before and "talkative" in run("nft list chain inet wherry at_forward")
    except AssertionError:
        return False


def _wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 3
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def test_other_tables_are_left_alone(scene: Scene) -> None:
    run("nft add table inet admin; nft 'add chain inet admin input { type filter hook input priority 0; }'")
    before = run("nft list table inet admin")
    scene.restart()
    scene.clean()
    assert run("nft list table inet admin") == before


def test_publishing_while_the_table_is_gone_makes_it_anew(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene.networks._publishing.firewall, "restore", lambda: None)
    first = scene.connect(publish=WEB)
    run("nft flush ruleset")
    second = scene.connect(publish=[("80/tcp", "", "8081")])
    for endpoint, port in ((first, 8080), (second, 8081)):
        with serve(endpoint.sandbox, 80):
            assert ask(None, "127.0.0.1", port)
    run("nft flush ruleset")
    scene.disconnect(first.container)
    assert elements()["published_anywhere"] == 1


def test_the_thousandth_published_port_costs_what_the_first_did(scene: Scene) -> None:
    def least_cost(rounds: int = 30) -> float:
        """The least is what the work takes; all above it is what else the machine does."""
        times = []
        for _ in range(rounds):
            start = time.perf_counter()
            endpoint = scene.connect(publish=[("80/tcp", "", "")])
            times.append(time.perf_counter() - start)
            scene.disconnect(endpoint.container)
        return min(times)

    first = least_cost()
    many = scene.connect(publish=[(f"{port}/tcp", "", "") for port in range(1, 1001)])
    assert len(many.bindings) == 1000
    thousandth = least_cost()
    assert thousandth < 1.5 * first, (first, thousandth)


def test_a_foreign_chain_that_drops_is_found(scene: Scene) -> None:
    assert scene.networks._publishing.firewall.foreign_drops() == []
    run("nft add table ip filter")
    run("nft 'add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }'")
    run("nft 'add chain ip filter INPUT { type filter hook input priority 0; policy drop; }'")
    assert scene.networks._publishing.firewall.foreign_drops() == ["ip filter FORWARD"]


def test_threads_do_not_accumulate(scene: Scene) -> None:
    before = threading.active_count()
    for _ in range(3):
        scene.disconnect(scene.connect().container)
        scene.restart()
    assert threading.active_count() == before
