"""Small network scenery for tests: a namespace that stands for the host, neighbours on its LAN, and servers anywhere.

A place is the path of a network namespace, or None for that of the calling thread.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from wherry.linux import namespaces, syscalls

T = TypeVar("T")

HOST = "192.0.2.1"
NEIGHBOUR = "192.0.2.2"
_ANSWER_SECONDS = 2.0
_SILENCE_SECONDS = 0.3


class NoAnswer(Exception):
    pass


@contextlib.contextmanager
def own_network() -> Iterator[None]:
    """The calling thread in a network namespace of its own, with a loopback; back in the old one afterwards."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    syscalls.unshare(syscalls.CLONE_NEWNET)
    try:
        run("ip link set lo up")
        Path("/proc/sys/net/ipv4/ip_forward").write_text("0", encoding="ascii")
        yield
    finally:
        syscalls.setns(before, syscalls.CLONE_NEWNET)
        os.close(before)


def run(command: str, at: str | None = None) -> str:
    """The output of a command, which must succeed."""
    prefix = ["nsenter", f"--net={at}"] if at else []
    done = subprocess.run([*prefix, "sh", "-ec", command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def at(place: str | None, function: Callable[[], T]) -> T:
    return namespaces.run_in_network(place, function) if place else function()


@contextlib.contextmanager
def neighbour(directory: Path, name: str = "lan", host: str = HOST, address: str = NEIGHBOUR) -> Iterator[str]:
    """A namespace on a LAN with the host, which is its gateway."""
    path = str(directory / f"neighbour-{name}")
    namespaces.create_network(path, lambda: None)
    try:
        run(f"ip link add {name}0 type veth peer name eth0 netns {path}")
        run(f"ip addr add {host}/24 dev {name}0; ip link set {name}0 up")
        run(f"ip link set lo up; ip addr add {address}/24 dev eth0; ip link set eth0 up", path)
        run(f"ip route add default via {host}", path)
        yield path
    finally:
        namespaces.remove_network(path)


@contextlib.contextmanager
def serve(place: str | None, port: int, protocol: str = "tcp", name: str = "server") -> Iterator[None]:
    """Answers whoever comes with `<name> <address of the one who came>`."""
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM

    def listen() -> socket.socket:
        sock = socket.socket(socket.AF_INET, kind)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("", port))
        if protocol == "tcp":
            sock.listen()
        return sock

    sock = at(place, listen)
    thread = threading.Thread(target=_serve_tcp if protocol == "tcp" else _serve_udp, args=(sock, name))
    thread.start()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
        thread.join()
        sock.close()


def _serve_tcp(sock: socket.socket, name: str) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, peer = sock.accept()
            with connection:
                connection.sendall(f"{name} {peer[0]}".encode())


def _serve_udp(sock: socket.socket, name: str) -> None:
    with contextlib.suppress(OSError):
        while True:
            data, peer = sock.recvfrom(100)
            if not data:
                return
            sock.sendto(f"{name} {peer[0]}".encode(), peer)


def ask(
    place: str | None, address: str, port: int, protocol: str = "tcp", *, source: tuple[str, int] | None = None
) -> str:
    """What the server there says; NoAnswer if there is none."""
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    with at(place, lambda: socket.socket(socket.AF_INET, kind)) as sock:
        if source:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(source)
        sock.settimeout(_ANSWER_SECONDS)
        return _exchange(sock, address, port)


def _exchange(sock: socket.socket, address: str, port: int) -> str:
    try:
        sock.connect((address, port))
        if sock.type == socket.SOCK_DGRAM:
            sock.send(b"?")
        return sock.recv(100).decode()
    except OSError as error:
        raise NoAnswer(f"{address}:{port}: {error}") from None


def is_silent(place: str | None, address: str, port: int, protocol: str = "tcp") -> bool:
    """Whether nothing answers there, refusals included."""
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    with at(place, lambda: socket.socket(socket.AF_INET, kind)) as sock:
        sock.settimeout(_SILENCE_SECONDS)
        try:
            return not _exchange(sock, address, port)
        except NoAnswer:
            return True
