"""Accepting connections on the real kernel: TCP peers, resets, and running out of descriptors."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import socket
import struct
from pathlib import Path

import pytest

from tests.support.http_serving import error_response, run
from wherry.http import listen
from wherry.http.client import connect_tcp
from wherry.http.message import Request, Response
from wherry.http.server import Server

GET = b"GET / HTTP/1.1\r\n\r\n"


async def answer(request: Request) -> Response:
    return Response(200, (), request.peer.address.encode())


def test_a_tcp_peer_has_an_address_and_its_reset_is_survived() -> None:
    async def body() -> None:
        (sock,) = listen.tcp("127.0.0.1", 0)
        address = sock.getsockname()
        server = Server(answer, error_response)
        await server.serve(sock)
        for _ in range(20):
            client = socket.create_connection(address)
            client.sendall(GET + b"GET")
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        connection = await connect_tcp(*address)
        host, _, port = (await (await connection.request("GET", "/")).read()).decode().rpartition(":")
        assert host == "127.0.0.1"
        assert int(port) > 0
        await connection.close()
        await server.close(grace=1)

    run(body())


@pytest.mark.parametrize("before_it_began", [False, True])
def test_a_stream_to_a_tcp_client_that_ended_its_side_is_cancelled(before_it_began: bool) -> None:
    ended = asyncio.Event()

    class Endless:
        def __aiter__(self) -> Endless:
            return self

        async def __anext__(self) -> bytes:
            await asyncio.sleep(60)
            return b""

        async def aclose(self) -> None:
            ended.set()

    async def stream(request: Request) -> Response:
        if before_it_began:
            await request.disconnected.wait()
        return Response(200, (), Endless())

    async def body() -> None:
        (sock,) = listen.tcp("127.0.0.1", 0)
        server = Server(stream, error_response)
        await server.serve(sock)
        _, writer = await asyncio.open_connection(*sock.getsockname())
        writer.write(GET)
        await asyncio.sleep(0.05)
        writer.write_eof()
        await ended.wait()
        writer.close()
        await server.close(grace=1)

    run(body())


def fill_descriptors() -> list[int]:
    """Use up every descriptor this process may have; at least two."""
    fillers = []
    with contextlib.suppress(OSError):
        while True:
            fillers.append(os.dup(0))
    return fillers


def test_running_out_of_descriptors_only_delays_new_connections(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def body() -> None:
        path = str(tmp_path / "s")
        server = Server(answer, error_response)
        sock = listen.unix(path)
        clients = [socket.socket(socket.AF_UNIX) for _ in range(5)]
        await server.serve(sock)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        loop = asyncio.get_running_loop()
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(int(name) for name in os.listdir("/proc/self/fd")) + 8, hard))
        fillers = fill_descriptors()
        try:
            for filler in fillers[:2]:
                os.close(filler)
            for client in clients:
                client.connect(path)
                client.sendall(GET)
                client.setblocking(False)
            assert (await loop.sock_recv(clients[0], 1000)).startswith(b"HTTP/1.1 200")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(loop.sock_recv(clients[4], 1000), 0.2)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for filler in fillers[2:]:
                os.close(filler)
        for client in clients[1:]:
            assert (await loop.sock_recv(client, 1000)).startswith(b"HTTP/1.1 200")
        for client in clients:
            client.close()
        await server.close(grace=1)

    with caplog.at_level(logging.CRITICAL, "asyncio"):
        run(body())
