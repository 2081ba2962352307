"""Connections that were taken over: early bytes, half-close both ways, back-pressure, and the relay to a socket."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.http_serving import Running, run, serving
from wherry.http.client import connect_unix
from wherry.http.message import Request, Response
from wherry.http.relay import relay
from wherry.http.server import Handler
from wherry.http.stream import RawStream

HEAD = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
UPGRADE = b"POST /attach HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n"
PLAIN = b"POST /attach HTTP/1.1\r\nHost: x\r\n\r\n"
WITH_BODY = b"POST /exec HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 13\r\n\r\n"
JSON = b'{"Tty":false}'


def taking_over(serve: Callable[[RawStream], Awaitable[None]]) -> Handler:
    """A handler that reads its body and hands the taken-over connection to `serve`."""

    async def handler(request: Request) -> Response | None:
        await request.body.drain()
        await serve(await request.hijack(HEAD))
        return None

    return handler


async def shout(raw: RawStream) -> None:
    """Answers only after the client has ended its side."""
    data = b""
    while piece := await raw.read():
        data += piece
    await raw.write(data.upper())


@pytest.mark.parametrize("request_bytes", [UPGRADE, PLAIN, WITH_BODY + JSON])
def test_bytes_behind_the_request_are_read_first_and_half_close_leaves_the_answer_its_way(request_bytes: bytes) -> None:
    async def body() -> None:
        async with serving(taking_over(shout)) as running:
            assert await running.talk(request_bytes + b"early GET / HTTP/1.1\r\n\r\n", b" late") == (
                HEAD + b"EARLY GET / HTTP/1.1\r\n\r\n LATE"
            )

    run(body())


STREAM = WITH_BODY + JSON + b"stdin\r\n\r\n\0\xff"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, len(STREAM) - 1), max_size=8))
def test_a_hijack_finds_the_same_bytes_however_they_are_cut(places: list[int]) -> None:
    ends = [*sorted(set(places)), len(STREAM)]
    pieces = [STREAM[start:end] for start, end in zip([0, *ends], ends, strict=False)]

    async def body() -> None:
        async with serving(taking_over(shout)) as running:
            assert await running.talk(*pieces) == HEAD + b"STDIN\r\n\r\n\0\xff"

    run(body())


def test_bytes_and_their_end_that_come_long_before_the_hijack_are_kept() -> None:
    async def handler(request: Request) -> None:
        await asyncio.sleep(0.05)
        await shout(await request.hijack(HEAD))

    async def body() -> None:
        async with serving(handler) as running:
            assert await running.talk(UPGRADE + b"early") == HEAD + b"EARLY"

    run(body())


def test_requests_pipelined_before_a_hijack_are_answered_first() -> None:
    async def handler(request: Request) -> Response | None:
        if request.path != "/attach":
            return Response(204)
        return await taking_over(shout)(request)

    async def body() -> None:
        async with serving(handler) as running:
            answer = await running.talk(b"GET / HTTP/1.1\r\n\r\n" + UPGRADE + b"x")
            assert answer.startswith(b"HTTP/1.1 204")
            assert answer.endswith(HEAD + b"X")

    run(body())


def test_our_end_leaves_the_clients_side_open() -> None:
    received: list[bytes] = []

    async def serve(raw: RawStream) -> None:
        await raw.write(b"bye")
        raw.write_eof()
        while piece := await raw.read():
            received.append(piece)

    async def body() -> None:
        async with serving(taking_over(serve)) as running:
            reader, writer = await running.open()
            writer.write(UPGRADE)
            assert await reader.read() == HEAD + b"bye"
            writer.write(b"still here")
            writer.close()
            await writer.wait_closed()

    run(body())
    assert b"".join(received) == b"still here"


def test_a_stream_ends_with_its_handler_and_everything_written_arrives() -> None:
    async def serve(raw: RawStream) -> None:
        await raw.write(bytes(3_000_000))

    async def body() -> None:
        async with serving(taking_over(serve)) as running:
            # The client never stops sending: what it sent is unread at the end, and must not reset what it is to get.
            reader, writer = await running.open()
            writer.write(UPGRADE + bytes(100_000))
            assert len(await reader.read()) == len(HEAD) + 3_000_000
            writer.close()

    run(body())


def test_a_handler_that_fails_after_the_hijack_drops_the_connection() -> None:
    async def serve(raw: RawStream) -> None:
        raise ValueError("oops")

    async def body() -> None:
        async with serving(taking_over(serve)) as running:
            with contextlib.suppress(ConnectionResetError):
                assert b"500" not in await running.talk(UPGRADE, eof=False)

    run(body())


def test_writing_to_a_client_that_is_gone_raises_and_closed_tells() -> None:
    outcome: list[str] = []
    done = asyncio.Event()

    async def serve(raw: RawStream) -> None:
        try:
            while True:
                await raw.write(bytes(100_000))
                await asyncio.sleep(0)
        except ConnectionResetError:
            await raw.closed
            outcome.append("reset")
        done.set()

    async def body() -> None:
        async with serving(taking_over(serve)) as running:
            client = running.socket()
            client.sendall(UPGRADE)
            await asyncio.sleep(0.05)
            client.close()
            await done.wait()

    run(body())
    assert outcome == ["reset"]


def test_waiting_for_the_end_can_be_given_up_without_ending_the_stream() -> None:
    async def serve(raw: RawStream) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(raw.closed, 0.01)
        await raw.write(b"alive")

    async def body() -> None:
        async with serving(taking_over(serve)) as running:
            assert await running.talk(UPGRADE) == HEAD + b"alive"

    run(body())


async def stalled(client: socket.socket) -> int:
    """Send until nobody takes any more; how much was taken."""
    client.setblocking(False)
    sent = quiet = 0
    while quiet < 10:
        try:
            sent += client.send(bytes(65536))
            quiet = 0
        except BlockingIOError:
            quiet += 1
            await asyncio.sleep(0.01)
    return sent


def test_a_reader_that_is_slow_stops_the_client() -> None:
    go_on = asyncio.Event()
    sizes: list[int] = []

    async def serve(raw: RawStream) -> None:
        await go_on.wait()
        while piece := await raw.read(1000):
            sizes.append(len(piece))

    async def body() -> None:
        async with serving(taking_over(serve)) as running:
            client = running.socket()
            client.sendall(UPGRADE)
            sent = await stalled(client)
            assert sent < 2_000_000
            go_on.set()
            client.shutdown(socket.SHUT_WR)
            loop = asyncio.get_running_loop()
            while await loop.sock_recv(client, 1000):
                pass
            assert sum(sizes) == sent
            assert max(sizes) <= 1000
            client.close()

    run(body())


def test_a_client_that_is_slow_stops_the_writer() -> None:
    written = 0

    async def serve(raw: RawStream) -> None:
        nonlocal written
        for _ in range(200):
            await raw.write(bytes(65536))
            written += 65536

    async def body() -> None:
        async with serving(taking_over(serve)) as running:
            reader, writer = await running.open()
            writer.write(UPGRADE)
            await asyncio.sleep(0.1)
            assert written < 2_000_000
            assert len(await reader.read()) == len(HEAD) + 200 * 65536
            writer.close()

    run(body())


# The relay.


class Process:
    """The far end of a relay: a blocking socket that a test plays the process on."""

    def __init__(self) -> None:
        self.near, self.far = socket.socketpair()
        self.far.setblocking(False)
        self.relayed = asyncio.Event()

    async def serve(self, raw: RawStream) -> None:
        await relay(raw, self.near)
        self.relayed.set()

    async def read(self, size: int = 65536) -> bytes:
        return await asyncio.get_running_loop().sock_recv(self.far, size)

    async def read_all(self) -> bytes:
        data = b""
        while piece := await self.read():
            data += piece
        return data

    async def write(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.far, data)


def with_process(test: Callable[[Running, Process], Awaitable[None]]) -> None:
    async def body() -> None:
        process = Process()
        try:
            async with serving(taking_over(process.serve)) as running:
                await test(running, process)
        finally:
            process.far.close()
            process.near.close()

    run(body())


def test_the_relay_passes_the_end_of_stdin_on_and_output_still_flows() -> None:
    async def test(running: Running, process: Process) -> None:
        talk = asyncio.ensure_future(running.talk(UPGRADE + b"early", b" late"))
        assert await process.read_all() == b"early late"
        await process.write(b"output after stdin")
        process.far.close()
        assert await talk == HEAD + b"output after stdin"
        await process.relayed.wait()

    with_process(test)


def test_the_relay_passes_the_end_of_output_on_and_stdin_still_flows() -> None:
    async def test(running: Running, process: Process) -> None:
        reader, writer = await running.open()
        writer.write(UPGRADE)
        process.far.shutdown(socket.SHUT_WR)
        assert await reader.read() == HEAD
        writer.write(b"stdin after output")
        writer.write_eof()
        assert await process.read_all() == b"stdin after output"
        await process.relayed.wait()
        writer.close()

    with_process(test)


def test_output_is_not_lost_when_the_process_ends_with_its_stdin_unread() -> None:
    async def test(running: Running, process: Process) -> None:
        reader, writer = await running.open()
        writer.write(UPGRADE + bytes(400_000))
        await asyncio.sleep(0.05)
        await process.write(b"o" * 100_000)
        process.far.close()
        writer.write(bytes(400_000))
        assert await reader.read() == HEAD + b"o" * 100_000
        writer.close()

    with_process(test)


def test_output_is_not_lost_when_stdin_turns_out_to_be_closed_before_it_was_read() -> None:
    async def test(running: Running, process: Process) -> None:
        reader, writer = await running.open()
        writer.write(UPGRADE)
        await reader.readexactly(len(HEAD))
        await asyncio.sleep(0.02)
        sent = await stalled(process.far)
        process.far.close()
        writer.write(b"nobody reads this")
        await asyncio.sleep(0.02)
        assert len(await reader.read()) == sent
        writer.close()

    with_process(test)


def test_the_relay_ends_when_the_process_is_gone_although_the_client_says_nothing() -> None:
    async def test(running: Running, process: Process) -> None:
        reader, writer = await running.open()
        writer.write(UPGRADE)
        await process.write(b"last")
        await asyncio.sleep(0.02)
        process.far.close()
        assert await reader.read() == HEAD + b"last"
        await process.relayed.wait()
        writer.close()

    with_process(test)


def test_the_relay_ends_when_the_process_closes_its_output_first_and_then_goes() -> None:
    async def test(running: Running, process: Process) -> None:
        reader, writer = await running.open()
        writer.write(UPGRADE)
        process.far.shutdown(socket.SHUT_WR)
        assert await reader.read() == HEAD
        await asyncio.sleep(0.02)
        assert not process.relayed.is_set()
        process.far.close()
        await process.relayed.wait()
        writer.close()

    with_process(test)


@pytest.mark.parametrize("half_closed_before", [False, True])
def test_the_relay_ends_when_the_client_is_gone_although_the_process_says_nothing(half_closed_before: bool) -> None:
    async def test(running: Running, process: Process) -> None:
        _, writer = await running.open()
        writer.write(UPGRADE + b"last words")
        if half_closed_before:
            writer.write_eof()
            await asyncio.sleep(0.05)
            assert not process.relayed.is_set()
        writer.close()
        await process.relayed.wait()
        assert await process.read_all() == b"last words"

    with_process(test)


def test_the_last_words_of_a_client_that_left_are_delivered_to_a_slow_process() -> None:
    async def test(running: Running, process: Process) -> None:
        client = running.socket()
        client.sendall(UPGRADE)
        sent = await stalled(client)
        client.close()
        await asyncio.sleep(0.05)
        assert len(await process.read_all()) == sent
        await process.relayed.wait()

    with_process(test)


def test_the_last_words_of_a_client_that_left_before_the_hijack_are_delivered_to_a_slow_process() -> None:
    async def body() -> None:
        process = Process()
        process.near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)

        async def handler(request: Request) -> None:
            await request.disconnected.wait()
            await process.serve(await request.hijack(HEAD))

        async with serving(handler) as running:
            _, writer = await running.open()
            writer.write(UPGRADE + bytes(200_000))
            writer.close()
            await asyncio.sleep(0.05)
            assert len(await process.read_all()) == 200_000
            await process.relayed.wait()
        process.far.close()

    run(body())


def test_a_process_that_does_not_read_stops_the_client_and_loses_nothing() -> None:
    async def test(running: Running, process: Process) -> None:
        client = running.socket()
        client.sendall(UPGRADE)
        sent = await stalled(client)
        assert sent < 3_000_000
        client.shutdown(socket.SHUT_WR)
        assert len(await process.read_all()) == sent
        client.close()

    with_process(test)


def test_a_client_that_does_not_read_stops_the_process_and_loses_nothing() -> None:
    async def test(running: Running, process: Process) -> None:
        reader, writer = await running.open()
        writer.write(UPGRADE)
        await reader.readexactly(len(HEAD))
        await asyncio.sleep(0.02)
        sent = await stalled(process.far)
        assert sent < 3_000_000
        process.far.shutdown(socket.SHUT_WR)
        writer.write_eof()
        assert len(await reader.read()) == sent
        await process.relayed.wait()
        writer.close()

    with_process(test)


def test_a_cancelled_relay_lets_go_of_its_socket() -> None:
    async def body() -> None:
        ours, theirs = socket.socketpair()
        started = asyncio.Event()

        async def serve(raw: RawStream) -> None:
            started.set()
            await relay(raw, ours)

        async with serving(taking_over(serve)) as running:
            talk = asyncio.ensure_future(running.talk(UPGRADE, eof=False))
            await started.wait()
            before = time.monotonic()
            await running.server.close(grace=0.05)
            assert time.monotonic() - before < 2
            assert theirs.recv(1) == b""
            await asyncio.wait([talk])
            talk.exception()
        assert ours.fileno() == -1
        theirs.close()

    run(body())


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.binary(min_size=1, max_size=300_000), max_size=4),
    st.lists(st.binary(min_size=1, max_size=300_000), max_size=4),
)
def test_both_directions_arrive_whole_at_once(ups: list[bytes], downs: list[bytes]) -> None:
    async def test(running: Running, process: Process) -> None:
        async def far_end() -> None:
            for down in downs:
                await process.write(down)
            process.far.shutdown(socket.SHUT_WR)

        sending = asyncio.ensure_future(far_end())
        reading = asyncio.ensure_future(process.read_all())
        assert await running.talk(UPGRADE, *ups) == HEAD + b"".join(downs)
        assert await reading == b"".join(ups)
        await sending

    with_process(test)


def test_the_client_gets_a_stream_by_upgrade_and_an_answer_without() -> None:
    async def handler(request: Request) -> Response | None:
        if request.path == "/no":
            return Response(409, (), b"no")
        assert await request.body.read(100) == JSON
        await shout(await request.hijack(HEAD))
        return None

    async def body() -> None:
        async with serving(handler) as running:
            connection = await connect_unix(running.path)
            response, raw = await connection.upgrade("POST", "/no")
            assert (response.status, await response.read(), raw) == (409, b"no", None)
            response, raw = await connection.upgrade("POST", "/exec", body=JSON)
            assert response.status == 101
            assert raw is not None
            await raw.write(b"hello")
            raw.write_eof()
            assert await raw.read() == b"HELLO"
            assert await raw.read() == b""
            await raw.close()

    run(body())
