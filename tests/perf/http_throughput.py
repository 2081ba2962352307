"""Rough figures of the HTTP server: requests a second on one and on 16 connections, and the relay's bytes a second.

Not a test: run it by hand with `PYTHONPATH=src python tests/perf/http_throughput.py`, and compare only runs on the same
machine. Server and clients are separate processes.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable

from wherry.http import listen
from wherry.http.message import Request, Response
from wherry.http.relay import relay
from wherry.http.server import Server

GET = b"GET /v1.51/containers/json?all=1 HTTP/1.1\r\nHost: docker\r\nUser-Agent: perf\r\nAccept-Encoding: gzip\r\n\r\n"
ATTACH = b"POST /attach HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
HEAD = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
PIECE = bytes(1 << 20)
PIECES = 1024


def _pour(sock: socket.socket) -> None:
    for _ in range(PIECES):
        sock.sendall(PIECE)
    sock.close()


async def handler(request: Request) -> Response | None:
    if request.path != "/attach":
        return Response(200, {"Content-Type": "application/json"}, b'{"Id":"0123456789abcdef"}\n')
    near, far = socket.socketpair()
    threading.Thread(target=_pour, args=(far,)).start()
    await relay(await request.hijack(HEAD), near)
    return None


def serve(path: str) -> None:
    async def forever() -> None:
        await Server(handler, lambda error, _: Response(500, (), str(error).encode())).serve(listen.unix(path))
        await asyncio.Event().wait()

    asyncio.run(forever())


def _connect(path: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(path)
    return sock


def serial(path: str) -> str:
    count = 20_000
    with _connect(path) as sock:
        started = time.perf_counter()
        for _ in range(count):
            sock.sendall(GET)
            sock.recv(65536)
        return f"{count / (time.perf_counter() - started):,.0f} requests/s"


def parallel(path: str) -> str:
    rounds, connections = 3_000, 16
    socks = [_connect(path) for _ in range(connections)]
    started = time.perf_counter()
    for _ in range(rounds):
        for sock in socks:
            sock.sendall(GET)
        for sock in socks:
            sock.recv(65536)
    rate = rounds * connections / (time.perf_counter() - started)
    for sock in socks:
        sock.close()
    return f"{rate:,.0f} requests/s"


def relayed(path: str) -> str:
    buffer = bytearray(1 << 20)
    with _connect(path) as sock:
        sock.sendall(ATTACH)
        started = time.perf_counter()
        size = 0
        while received := sock.recv_into(buffer):
            size += received
        if size != len(HEAD) + PIECES * len(PIECE):
            raise RuntimeError(f"{size} bytes arrived")
        return f"{size / (time.perf_counter() - started) / 1e6:,.0f} MB/s"


def main() -> None:
    figures: dict[str, Callable[[str], str]] = {"1 connection": serial, "16 connections": parallel, "relay": relayed}
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "s")
        server = multiprocessing.Process(target=serve, args=(path,), daemon=True)
        server.start()
        while not os.path.exists(path):
            time.sleep(0.01)
        time.sleep(0.1)
        for name, figure in figures.items():
            print(f"{name:15} {figure(path)}")
        server.terminate()
        server.join()


if __name__ == "__main__":
    main()
