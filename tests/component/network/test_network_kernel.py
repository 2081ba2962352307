"""Netlink, nftables and namespaces against the real kernel."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import networking
from tests.support.networking import ask, run, serve
from wherry.linux import namespaces
from wherry.linux.netlink import route
from wherry.linux.netlink.conntrack import Conntrack
from wherry.linux.netlink.filter_notices import FilterNotices
from wherry.linux.netlink.route import Route
from wherry.linux.nftables import Nft, NftError


@pytest.fixture
def links() -> Iterator[Route]:
    with Route() as opened:
        yield opened


@pytest.fixture
def namespace(tmp_path: Path) -> Iterator[str]:
    path = str(tmp_path / "ns")
    namespaces.create_network(path, lambda: None)
    yield path
    namespaces.remove_network(path)


def test_a_veth_is_made_with_its_peer_elsewhere_in_one_message(links: Route, namespace: str) -> None:
    links.run(route.link_add("br0", "bridge", mac="02:00:00:00:00:aa"))
    bridge = links.link("br0")
    assert bridge
    fd = os.open(namespace, os.O_RDONLY)
    try:
        peer = route.veth_peer("eth0", mac="02:00:00:00:00:01", mtu=1400, netns_fd=fd)
        links.run(route.link_add("veth0", "veth", mtu=1400, master=bridge.index, peer=peer))
    finally:
        os.close(fd)
    here = links.link("veth0")
    assert here
    assert (here.kind, here.master, here.up) == ("veth", bridge.index, True)
    with namespaces.run_in_network(namespace, Route) as inside:
        there = inside.link("eth0")
    assert there
    assert (there.mac, there.up) == ("02:00:00:00:00:01", False)
    assert "mtu 1400" in run("ip link show eth0", namespace)


def test_a_batch_does_all_in_order(links: Route) -> None:
    links.run(route.link_add("d0", "bridge"))
    link = links.link("d0")
    assert link
    gateway, far = ipaddress.ip_address("10.1.0.1"), ipaddress.ip_network("10.9.0.0/16")
    links.run(
        route.address_add(link.index, ipaddress.ip_interface("10.1.0.2/24")),
        route.route_add(gateway),
        route.route_add(gateway, destination=far),
    )
    assert "10.1.0.2/24 brd 10.1.0.255" in run("ip addr show d0")
    shown = run("ip route")
    assert "default via 10.1.0.1 dev d0" in shown
    assert "10.9.0.0/16 via 10.1.0.1" in shown
    assert far in links.routes()
    assert (link.index, ipaddress.ip_interface("10.1.0.2/24")) in links.addresses()
    links.run(route.route_add(ipaddress.ip_address("10.1.0.9"), replace=True))
    assert run("ip route").count("default") == 1
    links.run(route.address_delete(link.index, ipaddress.ip_interface("10.1.0.2/24")))
    assert "10.1.0.2" not in run("ip addr show d0")
    links.run(route.link_set(link.index, mtu=1280), route.link_delete(link.index))
    assert links.link("d0") is None


def test_errors_name_the_request_and_give_the_kernels_words(links: Route) -> None:
    links.run(route.link_add("d0", "bridge"))
    with pytest.raises(OSError, match="add link d0: File exists") as failure:
        links.run(route.link_add("d0", "bridge"))
    assert failure.value.errno == errno.EEXIST
    with pytest.raises(OSError, match=r"add link d1: Operation not supported \(Unknown device type\)"):
        links.run(route.link_add("d1", "nonsense"))


def test_the_first_failure_of_a_batch_is_raised_and_the_next_request_is_answered_rightly(links: Route) -> None:
    with pytest.raises(OSError, match="No such device"):
        links.run(route.link_delete(9999), route.link_add("d0", "bridge"), route.link_delete(9998))
    assert links.link("d0")


def test_links_are_found_while_others_come_and_go(links: Route) -> None:
    stop = threading.Event()

    def churn() -> None:
        with Route() as own:
            while not stop.is_set():
                own.run(route.link_add("churn0", "bridge"))
                link = own.link("churn0")
                assert link
                own.run(route.link_delete(link.index))

    for number in range(60):
        links.run(route.link_add(f"d{number}", "bridge"))
    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(50):
            names = {link.name for link in links.links()}
            assert {f"d{number}" for number in range(60)} <= names
    finally:
        stop.set()
        thread.join()


def test_a_namespace_lives_by_its_file_and_the_caller_never_enters_it(tmp_path: Path) -> None:
    own = os.readlink("/proc/thread-self/ns/net")
    path = str(tmp_path / "ns")
    inside = namespaces.create_network(path, lambda: os.readlink("/proc/thread-self/ns/net"))
    assert os.readlink("/proc/thread-self/ns/net") == own != inside
    assert namespaces.run_in_network(path, lambda: os.readlink("/proc/thread-self/ns/net")) == inside
    with pytest.raises(FileExistsError):
        namespaces.create_network(path, lambda: None)
    namespaces.remove_network(path)
    assert not os.path.exists(path)
    namespaces.remove_network(path)


def test_a_namespace_whose_beginning_fails_does_not_stay(tmp_path: Path) -> None:
    path = str(tmp_path / "ns")

    def fail() -> None:
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        namespaces.create_network(path, fail)
    assert not os.path.exists(path)


def test_a_namespace_is_made_quickly(tmp_path: Path) -> None:
    times = []
    for number in range(20):
        start = time.perf_counter()
        namespaces.create_network(str(tmp_path / f"ns{number}"), lambda: None)
        times.append(time.perf_counter() - start)
        namespaces.remove_network(str(tmp_path / f"ns{number}"))
    assert min(times) < 0.0015


def test_nft_runs_all_commands_or_none() -> None:
    nft = Nft()
    try:
        nft.run("add table inet t\nadd set inet t s { type ipv4_addr; }")
        with pytest.raises(NftError, match="No such file") as failure:
            nft.run("add element inet t s { 10.0.0.1 }\ndelete table inet absent")
        assert "absent" in failure.value.commands
        assert "10.0.0.1" not in nft.run("list table inet t")
        with pytest.raises(NftError, match="syntax error"):
            nft.run("nonsense")
        assert "set s" in nft.run("list table inet t")
    finally:
        nft.close()
    nft.close()


def test_notices_tell_what_others_delete_from_what_the_owner_does() -> None:
    notices = FilterNotices("t")
    owner = Nft()
    try:
        owner.run("add table inet t\nadd set inet t s { type ipv4_addr; elements = { 10.0.0.1 } }")
        owner.run("delete element inet t s { 10.0.0.1 }")
        run("nft add table inet other; nft delete table inet other; nft add chain inet t c")
        assert not notices._lost()
        run("nft delete chain inet t c")
        assert notices.wait()
        notices.wake()
        assert not notices.wait()
    finally:
        owner.close()
        notices.close()


def test_only_udp_flows_to_the_port_are_forgotten() -> None:
    run("nft 'table inet t { chain c { type filter hook output priority 0; ct state new accept; }; }'")
    flows = Conntrack()
    try:
        with serve(None, 53, "udp"), serve(None, 54, "udp"), serve(None, 53):
            for _ in range(2):
                for port, protocol in ((53, "udp"), (54, "udp"), (53, "tcp")):
                    ask(None, "127.0.0.1", port, protocol)
            assert flows.forget_udp(53) == 2
            assert flows.forget_udp(53) == 0
            assert flows.forget_udp(54) == 2
    finally:
        flows.close()


def test_sockets_stay_in_the_namespace_in_which_they_were_opened(namespace: str) -> None:
    run("ip link set lo up", namespace)
    with networking.at(namespace, lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as sock:
        sock.bind(("127.0.0.1", 7777))
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as own:
            own.bind(("127.0.0.1", 7777))
