"""Detach keys, and the fan-out of one process's output to clients that read at their own pace."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.shim.streams import HIGH_WATER, DetachKeys, Poller, Streams

KEYS = b"\x10\x11"


@given(st.lists(st.binary(max_size=8), max_size=8))
def test_detach_keys_pass_everything_up_to_the_sequence(pieces: list[bytes]) -> None:
    keys = DetachKeys(KEYS)
    whole, passed = b"".join(pieces), b""
    for piece in pieces:
        out, detached = keys.feed(piece)
        passed += out
        if detached:
            assert passed == whole[: whole.index(KEYS)]
            return
    assert KEYS not in whole
    assert passed in (whole, whole.removesuffix(KEYS[:1]))


def test_without_keys_nothing_is_held_back() -> None:
    assert DetachKeys(b"").feed(KEYS) == (KEYS, False)


def frame(number: int, text: bytes) -> bytes:
    return bytes([number, 0, 0, 0]) + len(text).to_bytes(4, "big") + text


class Bench:
    """Streams with the process's ends in the test's hands."""

    def __init__(self, *, stdin: bool = True, stdin_once: bool = True, start: bool = True) -> None:
        self.poller = Poller()
        self.clients: list[socket.socket] = []
        self.streams = Streams(self.poller, terminal=False, stdin=stdin, stdin_once=stdin_once)
        self.stdin, self.stdout, self.stderr = self.streams.open_pipes()
        if start:
            self.streams.start()

    def client(self, *, stdin: bool = True) -> socket.socket:
        ours, theirs = socket.socketpair()
        outputs = frozenset({"stdout", "stderr"})
        self.streams.attach(theirs, stdin=stdin, outputs=outputs, keys=b"", framed=True, on_detach=lambda: None)
        ours.settimeout(5)
        self.clients.append(ours)
        return ours

    def close(self) -> None:
        for client in self.clients:
            client.close()
        self.streams.close()
        self.poller.close()
        for fd in (self.stdin, self.stdout, self.stderr):
            with contextlib.suppress(OSError):
                os.close(fd)

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 5
        while not condition():
            assert time.monotonic() < deadline, "nothing happened"
            self.poller.poll(0.01)

    def spin(self, seconds: float = 0.1) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.poller.poll(0.01)


def readable(fd: int) -> bool:
    return bool(select.select([fd], [], [], 0)[0])


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def test_every_client_gets_both_streams_in_frames(bench: Bench) -> None:
    clients = [bench.client(), bench.client(stdin=False)]
    os.write(bench.stdout, b"out")
    bench.spin()
    os.write(bench.stderr, b"err")
    bench.spin()
    for client in clients:
        assert client.recv(100) == frame(1, b"out") + frame(2, b"err")


def test_the_end_of_input_reaches_the_process_with_stdin_once(bench: Bench) -> None:
    client = bench.client()
    client.sendall(b"hello")
    client.shutdown(socket.SHUT_WR)
    bench.spin()
    assert os.read(bench.stdin, 100) == b"hello"
    assert os.read(bench.stdin, 100) == b""
    os.write(bench.stdout, b"still")
    bench.spin()
    assert client.recv(100) == frame(1, b"still")


def test_without_stdin_once_the_client_goes_and_the_input_stays_open() -> None:
    bench = Bench(stdin_once=False)
    client = bench.client()
    client.sendall(b"hello")
    client.shutdown(socket.SHUT_WR)
    bench.spin()
    assert client.recv(100) == b""
    assert os.read(bench.stdin, 100) == b"hello"
    assert not readable(bench.stdin)
    bench.close()


def test_a_client_that_does_not_type_may_close_its_side(bench: Bench) -> None:
    client = bench.client(stdin=False)
    client.shutdown(socket.SHUT_WR)
    bench.spin()
    os.write(bench.stdout, b"x")
    bench.spin()
    assert client.recv(100) == frame(1, b"x")


def test_a_client_that_does_not_read_holds_the_process_up_and_costs_bounded_memory(bench: Bench) -> None:
    client = bench.client()
    os.set_blocking(bench.stdout, False)
    written = 0
    for _ in range(200):
        try:
            written += os.write(bench.stdout, b"x" * 65536)
        except BlockingIOError:
            bench.spin(0.02)
    assert written < 4 * HIGH_WATER
    received = bytearray()

    def read_some() -> bool:
        client.setblocking(False)
        try:
            received.extend(client.recv(1 << 20))
        except BlockingIOError:
            pass
        return received.count(b"x") == written

    bench.until(read_some)


def test_a_client_that_vanishes_is_forgotten(bench: Bench) -> None:
    bench.client().close()
    other = bench.client()
    for _ in range(3):
        os.write(bench.stdout, b"x")
        bench.spin(0.02)
    assert other.recv(100) == frame(1, b"x") * 3


def test_input_is_not_read_ahead_of_a_process_that_does_not_read(bench: Bench) -> None:
    client = bench.client()
    client.setblocking(False)
    sent = 0
    for _ in range(200):
        try:
            sent += client.send(b"y" * 65536)
        except BlockingIOError:
            bench.spin(0.02)
    assert sent < 2 << 20
    got = 0
    while got < sent:
        bench.spin(0.005)
        got += len(os.read(bench.stdin, 1 << 20))
    assert got == sent


def test_finish_gives_clients_the_rest_and_closes_them(bench: Bench) -> None:
    client = bench.client()
    os.write(bench.stdout, b"last")
    os.close(bench.stdout)
    os.close(bench.stderr)
    bench.streams.drain()
    bench.until(lambda: bench.streams.ended)
    bench.streams.finish()
    assert client.recv(100) == frame(1, b"last")
    assert client.recv(100) == b""
    assert bench.streams.idle


def test_input_that_waited_for_the_start_goes_on_after_it() -> None:
    bench = Bench(start=False)
    client = bench.client()
    client.setblocking(False)
    sent = 0
    for _ in range(50):
        try:
            sent += client.send(b"z" * 65536)
        except BlockingIOError:
            bench.spin(0.01)
    got = len(os.read(bench.stdin, 1 << 20))
    bench.streams.start()
    while got < sent:
        bench.spin(0.005)
        assert readable(bench.stdin), "the rest does not come"
        got += len(os.read(bench.stdin, 1 << 20))
    bench.close()
