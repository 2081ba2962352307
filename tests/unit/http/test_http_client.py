"""The client against the server, and against servers that misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.support.http_serving import run, serving
from wherry.http.client import BadResponse, connect_unix
from wherry.http.message import Request, Response


async def handler(request: Request) -> Response:
    if request.path == "/stream":

        async def items() -> AsyncIterator[bytes]:
            async for chunk in request.body:
                yield chunk.upper()

        return Response(200, (), items())
    if request.path == "/empty":
        return Response(204)
    return Response(200, {"X-Host": request.headers.get("Host")}, await request.body.read(1 << 20))


def test_requests_follow_each_other_on_one_connection() -> None:
    async def upload() -> AsyncIterator[bytes]:
        yield b"abc"
        yield b""
        yield b"def"

    async def body() -> None:
        async with serving(handler) as running:
            connection = await connect_unix(running.path)
            for _ in range(2):
                response = await connection.request("GET", "/")
                assert (response.status, await response.read()) == (200, b"")
                assert response.headers.get("x-host") == "localhost"
                assert await (await connection.request("POST", "/", {"Host": "other"}, b"data")).read() == b"data"
                assert (await connection.request("HEAD", "/")).complete
                assert (await connection.request("DELETE", "/empty")).complete
                assert await (await connection.request("POST", "/stream", body=upload())).read() == b"ABCDEF"
                expecting = await connection.request("POST", "/", {"Expect": "100-continue"}, b"data")
                assert (expecting.status, await expecting.read()) == (200, b"data")
            await connection.close()

    run(body())


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    ],
)
def test_a_broken_response_is_an_error_not_an_end(answer: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = str(tmp_path_factory.mktemp("s") / "s")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async def body() -> None:
        async with await asyncio.start_unix_server(serve, path):
            connection = await connect_unix(path)
            with pytest.raises(BadResponse):
                await (await connection.request("GET", "/")).read()
            await connection.close()

    run(body())


def test_a_body_without_a_length_ends_with_the_connection(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = str(tmp_path_factory.mktemp("s") / "s")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\n\r\nabc")
        writer.close()

    async def body() -> None:
        async with await asyncio.start_unix_server(serve, path):
            connection = await connect_unix(path)
            assert await (await connection.request("GET", "/")).read() == b"abc"
            await connection.close()

    run(body())
