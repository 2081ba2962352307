"""Ports of the host against other programs, and against ourselves."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator

import pytest

from wherry.network.endpoint import Binding
from wherry.network.hostports import HostPorts, PortAllocated, PortInUse
from wherry.network.ports import ANY, Wanted


@pytest.fixture
def host_ports() -> Iterator[HostPorts]:
    held = HostPorts()
    yield held
    held.close()


def wanted(port: int = 8080, last: int = 0, address: str = "", protocol: str = "tcp") -> Wanted:
    return Wanted(protocol, 80, address, port, last or port)


@contextlib.contextmanager
def program(port: int, protocol: str = "tcp", *, reuse: bool = False) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM) as sock:
        if reuse:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("", port))
        if protocol == "tcp":
            sock.listen()
        yield sock


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
@pytest.mark.parametrize("reuse", [False, True])
def test_a_held_port_is_nobody_elses(host_ports: HostPorts, protocol: str, reuse: bool) -> None:
    binding = host_ports.hold(wanted(protocol=protocol), "172.17.0.2")
    with pytest.raises(OSError, match="Address already in use"), program(8080, protocol, reuse=reuse):
        pass
    host_ports.release(binding)
    with program(8080, protocol, reuse=reuse):
        pass


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_port_of_another_program_is_refused_and_its_holder_named(host_ports: HostPorts, protocol: str) -> None:
    with program(8080, protocol), pytest.raises(PortInUse) as failure:
        host_ports.hold(wanted(protocol=protocol), "172.17.0.2")
    assert failure.value.message == (
        f"failed to bind host port for 0.0.0.0:8080:172.17.0.2:80/{protocol}: address already in use"
    )
    assert f"(pid {os.getpid()})" in failure.value.hint
    assert host_ports.hold(wanted(protocol=protocol), "172.17.0.2").host_port == 8080


def test_our_own_port_is_refused_in_dockers_words(host_ports: HostPorts) -> None:
    host_ports.hold(wanted(), "172.17.0.2")
    for address in ("", "127.0.0.1"):
        with pytest.raises(PortAllocated) as failure:
            host_ports.hold(wanted(address=address), "172.17.0.3")
        assert failure.value.message == f"Bind for {address or ANY}:8080 failed: port is already allocated"


def test_different_addresses_and_protocols_do_not_collide(host_ports: HostPorts) -> None:
    host_ports.hold(wanted(address="127.0.0.1"), "172.17.0.2")
    host_ports.hold(wanted(address="127.0.0.2"), "172.17.0.2")
    host_ports.hold(wanted(protocol="udp"), "172.17.0.2")
    with pytest.raises(PortAllocated):
        host_ports.hold(wanted(), "172.17.0.2")


def test_of_a_range_the_first_free_port_is_taken(host_ports: HostPorts) -> None:
    with program(8080):
        assert [host_ports.hold(wanted(8080, 8082), "172.17.0.2").host_port for _ in range(2)] == [8081, 8082]
        with pytest.raises(PortInUse):
            host_ports.hold(wanted(8080, 8082), "172.17.0.2")


def test_ports_of_the_hosts_choice_are_different_and_from_its_range(host_ports: HostPorts) -> None:
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        low, high = map(int, file.read().split())
    chosen = {host_ports.hold(Wanted("tcp", 80), "172.17.0.2").host_port for _ in range(50)}
    assert len(chosen) == 50
    assert all(low <= port <= high for port in chosen)


def test_an_address_that_the_host_does_not_have_is_refused(host_ports: HostPorts) -> None:
    with pytest.raises(PortInUse, match="cannot assign requested address"):
        host_ports.hold(wanted(address="198.51.100.9"), "172.17.0.2")


def test_connections_of_an_ended_server_do_not_block_its_port(host_ports: HostPorts) -> None:
    with program(8080, reuse=True) as listening, socket.create_connection(("127.0.0.1", 8080)) as client:
        accepted, _ = listening.accept()
        accepted.close()  # the server ends first, so TIME_WAIT is on its side
        assert client.recv(1) == b""
    binding = host_ports.hold(wanted(), "172.17.0.2")
    with pytest.raises(OSError, match="Address already in use"), program(8080, reuse=True):
        pass
    host_ports.release(binding)


def test_a_restored_port_is_held_again(host_ports: HostPorts) -> None:
    binding = Binding("tcp", 80, "127.0.0.1", 8080)
    host_ports.restore(binding)
    with pytest.raises(PortAllocated):
        host_ports.hold(wanted(address="127.0.0.1"), "172.17.0.2")
    host_ports.release(binding)
    host_ports.release(binding)
