"""The server as clients see it: every limit, order, persistence, disconnects, the end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.http_serving import body_of, run, serving, statuses
from wherry.http.message import Request, Response
from wherry.http.server import Limits

GET = b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n"


async def echo(request: Request) -> Response:
    return Response(200, {"X-Path": request.path}, await request.body.read(1 << 20))


def test_a_bytes_body_has_a_length_and_the_connection_is_kept() -> None:
    async def body() -> None:
        async with serving(echo) as running:
            answer = await running.talk(b"POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc")
            assert statuses(answer) == [200]
            assert b"\r\nContent-Length: 3\r\n" in answer
            assert b"\r\nDate: " in answer
            assert b"Connection: close" not in answer
            assert body_of(answer) == b"abc"

    run(body())


def test_pipelined_requests_are_answered_in_order_even_after_the_client_has_ended_its_side() -> None:
    async def slow_first(request: Request) -> Response:
        await asyncio.sleep(0.05 if request.path == "/0" else 0)
        return await echo(request)

    async def body() -> None:
        async with serving(slow_first) as running:
            post = b"POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
            answer = await running.talk(GET % 0 + post + GET % 2 + GET % 3)
            paths = [line[8:] for line in answer.split(b"\r\n") if line.startswith(b"X-Path: ")]
            assert paths == [b"/0", b"/p", b"/2", b"/3"]

    run(body())


def test_one_request_runs_at_a_time_on_a_connection() -> None:
    running_now = most = 0

    async def handler(request: Request) -> Response:
        nonlocal running_now, most
        running_now += 1
        most = max(most, running_now)
        await asyncio.sleep(0.001)
        running_now -= 1
        return Response(204)

    async def body() -> None:
        async with serving(handler) as running:
            answer = await running.talk(b"".join(GET % number for number in range(20)))
            assert statuses(answer) == [204] * 20

    run(body())
    assert most == 1


REQUESTS = (
    b"GET /0?a=b HTTP/1.1\r\nHost: x\r\n\r\n"
    b"POST /1 HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"
    b"POST /2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n"
    b"POST /3 HTTP/1.1\r\nContent-Length: 2\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nhi"
    b"GET /4 HTTP/1.1\r\n\r\n"
)


def timeless(answer: bytes) -> list[bytes]:
    """Without what depends on when pieces arrive: the date, and whether the client's end was known already."""
    return [line for line in answer.split(b"\r\n") if not line.startswith((b"Date: ", b"Connection: "))]


def test_requests_split_at_any_byte_are_answered_alike() -> None:
    async def body() -> None:
        async with serving(echo) as running:
            answer = await running.talk(REQUESTS)
            assert statuses(answer) == [200] * 5
            whole = timeless(answer)
            for place in range(1, len(REQUESTS)):
                assert timeless(await running.talk(REQUESTS[:place], REQUESTS[place:])) == whole, place

    run(body(), seconds=60)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, len(REQUESTS) - 1), max_size=12))
def test_requests_split_at_several_bytes_are_answered_alike(places: list[int]) -> None:
    ends = [*sorted(set(places)), len(REQUESTS)]
    pieces = [REQUESTS[start:end] for start, end in zip([0, *ends], ends, strict=False)]

    async def body() -> None:
        async with serving(echo) as running:
            assert timeless(await running.talk(*pieces)) == timeless(await running.talk(REQUESTS))

    run(body())


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_garbage_is_answered_or_closed_and_the_server_goes_on(garbage: bytes) -> None:
    async def body() -> None:
        async with serving(echo) as running:
            await running.talk(garbage)
            await running.talk(GET % 1 + garbage)
            assert statuses(await running.talk(GET % 1)) == [200]

    run(body())


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"garbage\r\n\r\n",
        b"GET / HTTP/2.0\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET /%00 HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    ],
)
def test_what_is_malformed_or_ambiguous_gets_400_and_no_second_answer(request_bytes: bytes) -> None:
    async def body() -> None:
        async with serving(echo) as running:
            answer = await running.talk(request_bytes + GET % 2, eof=False)
            assert statuses(answer) == [400]
            assert b"X-Error: Malformed" in answer
            assert b"Connection: close" in answer

    run(body())


def test_an_absolute_target_is_accepted() -> None:
    async def body() -> None:
        async with serving(echo) as running:
            assert b"X-Path: /a b" in await running.talk(b"GET http://docker/a%20b?c HTTP/1.1\r\n\r\n")

    run(body())


def test_headers_over_the_limit_get_431() -> None:
    async def body() -> None:
        async with serving(echo) as running:
            answer = await running.talk(b"GET / HTTP/1.1\r\nX: " + b"a" * 70000, eof=False)
            assert statuses(answer) == [431]
            many = b"".join(b"X%d: y\r\n" % number for number in range(9000))
            assert statuses(await running.talk(b"GET / HTTP/1.1\r\n" + many + b"\r\n", eof=False)) == [431]

    run(body())


def test_headers_that_dawdle_get_408_however_steadily_they_drip() -> None:
    async def body() -> None:
        async with serving(echo, Limits(header_seconds=0.2)) as running:
            started = time.monotonic()
            reader, writer = await running.open()
            drip = asyncio.ensure_future(_drip(writer))
            answer = await reader.read()
            drip.cancel()
            writer.close()
            assert statuses(answer) == [408]
            assert 0.15 < time.monotonic() - started < 2

    async def _drip(writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            for byte in b"GET / HTTP/1.1\r\nX: " + b"a" * 1000:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.02)

    run(body())


def test_the_second_request_on_a_connection_has_the_same_time_limit() -> None:
    async def body() -> None:
        async with serving(echo, Limits(header_seconds=0.2)) as running:
            assert statuses(await running.talk(GET % 1 + b"GET /", eof=False)) == [200, 408]

    run(body())


def test_an_idle_connection_is_closed_without_a_word() -> None:
    async def body() -> None:
        async with serving(echo, Limits(idle_seconds=0.1)) as running:
            assert await running.talk(eof=False) == b""
            assert statuses(await running.talk(GET % 1, eof=False)) == [200]

    run(body())


def test_a_running_request_has_no_time_limit() -> None:
    async def slow(request: Request) -> Response:
        await asyncio.sleep(0.3)
        return await echo(request)

    async def body() -> None:
        async with serving(slow, Limits(header_seconds=0.1, idle_seconds=0.1)) as running:
            assert statuses(await running.talk(GET % 1, eof=False)) == [200]

    run(body())


def test_one_connection_too_many_gets_503_and_a_free_place_is_used_again() -> None:
    async def body() -> None:
        async with serving(echo, Limits(connections=2)) as running:
            _, first = await running.open()
            _, second = await running.open()
            await asyncio.sleep(0.02)
            answer = await running.talk(eof=False)
            assert statuses(answer) == [503]
            assert b"X-Error: TooManyConnections" in answer
            first.close()
            await asyncio.sleep(0.05)
            assert statuses(await running.talk(GET % 1)) == [200]
            second.close()

    run(body())


def test_a_body_over_the_handlers_limit_gets_413_before_it_is_sent() -> None:
    async def body() -> None:
        async with serving(echo) as running:
            head = b"POST / HTTP/1.1\r\nContent-Length: 9999999\r\nExpect: 100-continue\r\n\r\n"
            answer = await running.talk(head, eof=False)
            assert statuses(answer) == [413]
            assert b"Connection: close" in answer

    run(body())


def test_an_answer_given_before_the_body_was_sent_reaches_a_client_that_goes_on_sending() -> None:
    async def refuse(_request: Request) -> Response:
        return Response(409, {}, b"no")

    async def body() -> None:
        async with serving(refuse) as running:
            head = b"POST / HTTP/1.1\r\nContent-Length: 5000000\r\n\r\n"
            assert body_of(await running.talk(head, *[bytes(100_000)] * 30)) == b"no"

    run(body())


def test_a_small_body_nobody_read_does_not_cost_the_connection() -> None:
    async def ignore(_request: Request) -> Response:
        return Response(204)

    async def body() -> None:
        async with serving(ignore) as running:
            post = b"POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" + bytes(100_000)
            assert statuses(await running.talk(post + post + GET % 1)) == [204, 204, 204]

    run(body())


def test_continue_is_said_when_the_body_is_first_read_and_only_then() -> None:
    async def maybe(request: Request) -> Response:
        return await echo(request) if request.path == "/read" else Response(204)

    async def body() -> None:
        async with serving(maybe) as running:
            for path, expected in (
                (b"/read", b"HTTP/1.1 100 Continue\r\n\r\n"),
                (b"/ignore", b"HTTP/1.1 204 No Content\r\n"),
            ):
                reader, writer = await running.open()
                writer.write(b"POST %b HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n" % path)
                assert await reader.readexactly(len(expected)) == expected
                writer.write(b"hi")
                rest = await reader.read() if path == b"/ignore" else await reader.readuntil(b"\r\n\r\nhi")
                assert b"100 Continue" not in rest
                writer.close()

    run(body())


async def ticks(_request: Request) -> Response:
    async def items() -> AsyncIterator[bytes]:
        for number in range(3):
            yield b"tick %d\n" % number
            await asyncio.sleep(0.01)

    return Response(200, {"Content-Type": "text/plain"}, items())


def test_a_streamed_body_is_chunked_and_keeps_the_connection() -> None:
    async def body() -> None:
        async with serving(ticks) as running:
            reader, writer = await running.open()
            for _ in range(2):
                writer.write(GET % 1)
                head = await reader.readuntil(b"\r\n\r\n")
                assert b"Transfer-Encoding: chunked" in head
                assert (
                    await reader.readuntil(b"0\r\n\r\n")
                    == b"".join(b"7\r\ntick %d\n\r\n" % n for n in range(3)) + b"0\r\n\r\n"
                )
            writer.close()

    run(body())


def test_the_head_of_a_stream_arrives_before_its_first_item() -> None:
    release = asyncio.Event()

    async def waiting(_request: Request) -> Response:
        async def items() -> AsyncIterator[bytes]:
            await release.wait()
            yield b"late"

        return Response(200, (), items())

    async def body() -> None:
        async with serving(waiting) as running:
            reader, writer = await running.open()
            writer.write(GET % 1)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK")
            release.set()
            assert await reader.readuntil(b"0\r\n\r\n") == b"4\r\nlate\r\n0\r\n\r\n"
            writer.close()

    run(body())


def test_http_1_0_gets_no_chunks_and_the_end_of_the_connection() -> None:
    async def body() -> None:
        async with serving(ticks) as running:
            answer = await running.talk(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", eof=False)
            assert b"chunked" not in answer
            assert body_of(answer) == b"tick 0\ntick 1\ntick 2\n"

    run(body())


def test_head_and_204_have_no_body_but_the_headers_of_one() -> None:
    closed: list[str] = []

    class Items:
        def __aiter__(self) -> AsyncIterator[bytes]:
            raise AssertionError("must not be read")

        async def __anext__(self) -> bytes:
            raise AssertionError("must not be read")

        async def aclose(self) -> None:
            closed.append("closed")

    async def handler(request: Request) -> Response:
        if request.path == "/stream":
            return Response(200, (), Items())
        return Response(204 if request.path == "/204" else 200, (), b"body")

    async def body() -> None:
        async with serving(handler) as running:
            answer = await running.talk(b"HEAD /a HTTP/1.1\r\n\r\n")
            assert b"Content-Length: 4" in answer
            assert body_of(answer) == b""
            answer = await running.talk(b"GET /204 HTTP/1.1\r\n\r\n")
            assert b"Content-Length" not in answer
            assert body_of(answer) == b""
            assert body_of(await running.talk(b"HEAD /stream HTTP/1.1\r\n\r\n")) == b""

    run(body())
    assert closed == ["closed"]


def test_a_stream_that_tells_its_length_is_sent_plain_and_a_lie_ends_the_connection() -> None:
    async def handler(request: Request) -> Response:
        async def items() -> AsyncIterator[bytes]:
            yield b"abc"
            yield b"def"

        return Response(200, {"Content-Length": request.path[1:]}, items())

    async def body() -> None:
        async with serving(handler) as running:
            answer = await running.talk(GET % 6 + GET % 6)
            assert answer.count(b"abcdef") == 2
            assert b"chunked" not in answer
            assert len(statuses(await running.talk(GET % 7 + GET % 6))) == 1

    run(body())


def test_a_stream_that_fails_breaks_off_instead_of_looking_complete() -> None:
    async def handler(_request: Request) -> Response:
        async def items() -> AsyncIterator[bytes]:
            yield b"abc"
            raise ValueError("broken")

        return Response(200, (), items())

    async def body() -> None:
        async with serving(handler) as running:
            answer = b""
            with contextlib.suppress(ConnectionResetError):
                answer = await running.talk(GET % 1, eof=False)
            assert not answer.endswith(b"0\r\n\r\n")

    run(body())


def test_an_exception_of_the_handler_becomes_an_answer_and_the_connection_goes_on() -> None:
    async def handler(request: Request) -> Response | None:
        if request.path == "/1":
            raise ValueError("oops")
        return None if request.path == "/2" else Response(204)

    async def body() -> None:
        async with serving(handler) as running:
            answer = await running.talk(GET % 1 + GET % 2 + GET % 3)
            assert statuses(answer) == [500, 500, 204]
            assert b"X-Error: ValueError" in answer
            assert b"X-Error: NoResponse" in answer
            assert b"X-Request: True" in answer

    run(body())


def test_a_header_cannot_break_out_of_its_line() -> None:
    async def handler(_request: Request) -> Response:
        return Response(200, {"X": "a\r\nSet-Cookie: b"})

    async def body() -> None:
        async with serving(handler) as running:
            with contextlib.suppress(ConnectionResetError):
                assert b"Set-Cookie" not in await running.talk(GET % 1)

    run(body())


def test_connection_close_is_honoured_from_either_side() -> None:
    async def handler(request: Request) -> Response:
        return Response(204, {"Connection": "close"} if request.path == "/1" else {})

    async def body() -> None:
        async with serving(handler) as running:
            assert statuses(await running.talk(GET % 1 + GET % 2, eof=False)) == [204]
            close = b"GET /2 HTTP/1.1\r\nConnection: close\r\n\r\n"
            assert statuses(await running.talk(close + GET % 2, eof=False)) == [204]

    run(body())


def test_a_client_that_leaves_ends_its_stream_but_not_a_handler_at_work() -> None:
    events: list[str] = []
    working = asyncio.Event()

    async def handler(request: Request) -> Response:
        if request.path == "/work":
            await asyncio.wait_for(request.disconnected.wait(), 5)
            events.append("told")
            await asyncio.sleep(0.05)
            events.append("finished")
            working.set()
            return Response(204)

        async def items() -> AsyncIterator[bytes]:
            try:
                yield b"first"
                await asyncio.sleep(60)
            finally:
                events.append("stream closed")
                working.set()

        return Response(200, (), items())

    async def body() -> None:
        async with serving(handler) as running:
            for path in (b"/work", b"/stream"):
                working.clear()
                _, writer = await running.open()
                writer.write(b"POST %b HTTP/1.1\r\n\r\n" % path)
                await asyncio.sleep(0.05)
                writer.close()
                await working.wait()

    run(body())
    assert events == ["told", "finished", "stream closed"]


def test_a_stream_whose_client_left_before_it_began_is_closed_too() -> None:
    closed = asyncio.Event()

    class Subscription:
        def __aiter__(self) -> Subscription:
            return self

        async def __anext__(self) -> bytes:
            await asyncio.sleep(60)
            return b""

        async def aclose(self) -> None:
            closed.set()

    async def handler(request: Request) -> Response:
        await request.disconnected.wait()
        return Response(200, (), Subscription())

    async def body() -> None:
        async with serving(handler) as running:
            _, writer = await running.open()
            writer.write(GET % 1)
            await asyncio.sleep(0.02)
            writer.close()
            await closed.wait()

    run(body())


def test_a_client_that_leaves_within_its_body_is_told_to_the_reader() -> None:
    seen: list[str] = []
    done = asyncio.Event()

    async def handler(request: Request) -> Response:
        try:
            await request.body.read(1 << 20)
        except Exception as error:
            seen.append(type(error).__name__)
            raise
        finally:
            done.set()
        return Response(204)

    async def body() -> None:
        async with serving(handler) as running:
            _, writer = await running.open()
            writer.write(b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc")
            await asyncio.sleep(0.02)
            writer.close()
            await done.wait()

    run(body())
    assert seen == ["ClientGone"]


def test_a_reader_of_bodies_that_is_slow_stops_the_sender() -> None:
    sent = 0
    go_on = asyncio.Event()

    async def handler(request: Request) -> Response:
        await anext(aiter(request.body))
        await go_on.wait()
        await request.body.drain()
        return Response(204)

    async def body() -> None:
        nonlocal sent
        async with serving(handler) as running:
            client = running.socket()
            client.setblocking(False)
            total = 20_000_000
            client.send(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % total)
            quiet = 0
            while quiet < 10:
                try:
                    sent += client.send(bytes(min(65536, total - sent)))
                    quiet = 0
                except BlockingIOError:
                    quiet += 1
                    await asyncio.sleep(0.01)
            assert sent < 2_000_000
            go_on.set()
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(client, bytes(total - sent))
            assert (await loop.sock_recv(client, 1000)).startswith(b"HTTP/1.1 204")
            client.close()

    run(body())


def test_a_reader_of_streams_that_is_slow_stops_the_iterator() -> None:
    produced = 0

    async def handler(_request: Request) -> Response:
        async def items() -> AsyncIterator[bytes]:
            nonlocal produced
            for _ in range(500):
                produced += 1
                yield bytes(65536)

        return Response(200, (), items())

    async def body() -> None:
        async with serving(handler) as running:
            reader, writer = await running.open()
            writer.write(GET % 1)
            await asyncio.sleep(0.1)
            assert produced < 40
            assert len(await reader.readuntil(b"\r\n\r\n")) > 0
            size = 0
            while size < 500 * 65536:
                size += len(await reader.read(1 << 20))
            assert produced == 500
            writer.close()

    run(body())


def test_many_pipelined_bytes_do_not_pile_up_behind_a_slow_request() -> None:
    go_on = asyncio.Event()

    async def handler(_request: Request) -> Response:
        await go_on.wait()
        return Response(204)

    async def body() -> None:
        async with serving(handler) as running:
            client = running.socket()
            client.setblocking(False)
            sent = 0
            quiet = 0
            while quiet < 10:
                try:
                    client.send(GET % 1)
                    sent += 1
                    quiet = 0
                except BlockingIOError:
                    quiet += 1
                    await asyncio.sleep(0.01)
            assert sent * len(GET % 1) < 2_000_000
            go_on.set()
            loop = asyncio.get_running_loop()
            answered = 0
            while answered < sent:
                answered += (await loop.sock_recv(client, 1 << 20)).count(b"HTTP/1.1 204")
            client.close()

    run(body())


def test_closing_finishes_what_runs_and_closes_what_is_idle() -> None:
    started = asyncio.Event()

    async def handler(request: Request) -> Response:
        started.set()
        await asyncio.sleep(0.1)
        return await echo(request)

    async def body() -> None:
        async with serving(handler) as running:
            idle = asyncio.ensure_future(running.talk(eof=False))
            busy = asyncio.ensure_future(running.talk(GET % 1 + GET % 2, eof=False))
            await started.wait()
            await running.server.close(grace=5)
            assert await idle == b""
            answer = await busy
            assert statuses(answer) == [200]
            assert b"Connection: close" in answer
            with pytest.raises(OSError, match="refused"):
                await running.open()

    run(body())


def test_closing_aborts_what_outlasts_its_grace() -> None:
    ended: list[str] = []
    started = asyncio.Event()

    async def handler(_request: Request) -> Response:
        started.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("cancelled")
        return Response(204)

    async def body() -> None:
        async with serving(handler) as running:
            talk = asyncio.ensure_future(running.talk(GET % 1, eof=False))
            await started.wait()
            before = time.monotonic()
            await running.server.close(grace=0.1)
            assert time.monotonic() - before < 2
            with contextlib.suppress(ConnectionResetError):
                assert await talk == b""

    run(body())
    assert ended == ["cancelled"]


def test_the_peer_of_a_unix_socket_is_known() -> None:
    import os

    async def handler(request: Request) -> Response:
        peer = request.peer
        return Response(200, (), f"{peer.kind} {peer.pid} {peer.uid} {peer.gid}".encode())

    async def body() -> None:
        async with serving(handler) as running:
            expected = f"unix {os.getpid()} {os.getuid()} {os.getgid()}".encode()
            assert body_of(await running.talk(GET % 1)) == expected

    run(body())


def test_a_reset_connection_is_forgotten() -> None:
    async def body() -> None:
        async with serving(echo, Limits(connections=1)) as running:
            for _ in range(20):
                client = running.socket()
                client.sendall(GET % 1 + GET % 2)
                client.shutdown(socket.SHUT_RDWR)
                client.close()
                await asyncio.sleep(0.01)
            assert statuses(await running.talk(GET % 1)) == [200]

    run(body())
