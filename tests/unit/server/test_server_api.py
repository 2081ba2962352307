"""Requests over a real HTTP server and a real socket, with an engine that has no processes behind it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import pytest

from tests.support.memory_engine import IMAGE_ID, MemoryEngine
from wherry.api.versions import MAXIMUM
from wherry.http import listen
from wherry.http.server import Server
from wherry.server.api import Api


class Answer:
    def __init__(self, data: bytes) -> None:
        head, _, self.body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        self.status = int(first.split()[1])
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        if self.headers.get("transfer-encoding") == "chunked":
            self.body = _unchunked(self.body)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def _unchunked(data: bytes) -> bytes:
    content = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        content, data = content + data[: int(size, 16)], data[int(size, 16) + 2 :]
    return content


class Client:
    def __init__(self, path: str, engine: MemoryEngine) -> None:
        self.path = path
        self.engine = engine
        self.writers: list[asyncio.StreamWriter] = []

    async def connect(self, request: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_unix_connection(self.path)
        self.writers.append(writer)
        writer.write(request)
        return reader, writer

    async def close(self) -> None:
        for writer in self.writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def ask(self, method: str, target: str, body: object = None, **headers: str) -> Answer:
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        lines = [f"{method} {target} HTTP/1.1", "Host: x", "Connection: close"]
        if data:
            lines += [f"Content-Length: {len(data)}"]
            headers.setdefault("Content_Type", "application/json")
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        reader, _ = await self.connect("\r\n".join((*lines, "", "")).encode() + data)
        return Answer(await reader.read())

    async def create(self, name: str, **config: object) -> str:
        answer = await self.ask("POST", f"/containers/create?name={name}", {"Image": "busybox", **config})
        assert answer.status == 201, answer.body
        identifier: str = answer.json["Id"]
        return identifier


@contextlib.asynccontextmanager
async def serving(directory: Path) -> AsyncIterator[Client]:
    engine = MemoryEngine(directory)
    api = Api(engine)  # type: ignore[arg-type]
    server = Server(api.handle, api.answer_error)
    path = f"{directory}/s"
    await server.serve(listen.unix(path))
    client = Client(path, engine)
    try:
        yield client
    finally:
        await client.close()
        await server.close(0)
        engine.close()


def run(body: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await body

    asyncio.run(bounded())


def test_ping_is_what_clients_negotiate_with(tmp_path: Path) -> None:
    async def body() -> None:
        async with serving(tmp_path) as client:
            head = await client.ask("HEAD", "/_ping")
            got = await client.ask("GET", "/_ping")
        assert (head.status, head.body, head.headers["content-length"]) == (200, b"", "0")
        assert (got.status, got.body) == (200, b"OK")
        for answer in (head, got):
            assert answer.headers["api-version"] == str(MAXIMUM)
            assert answer.headers["ostype"] == "linux"
            assert answer.headers["docker-experimental"] == "false"
            assert answer.headers["content-type"] == "text/plain; charset=utf-8"
            assert answer.headers["swarm"] == "inactive"
            assert answer.headers["cache-control"] == "no-cache, no-store, must-revalidate"

    run(body())


@pytest.mark.parametrize(
    ("method", "target", "status", "message"),
    [
        ("GET", "/nothing", 404, "page not found"),
        ("PATCH", "/containers/json", 404, "page not found"),
        ("GET", "/v1.99/info", 400, f"client version 1.99 is too new. Maximum supported API version is {MAXIMUM}"),
        ("GET", "/containers/x/json", 404, "No such container: x"),
        ("GET", '/containers/json?filters={"a":["b"]}', 400, "invalid filter 'a'"),
        ("POST", "/containers/create", 400, "invalid JSON: got EOF while reading request body"),
        ("POST", "/containers/a/wait?condition=x", 400, 'invalid condition: "x"'),
        ("GET", "/containers/a/logs", 400, "must specify at least one of 'stdout' or 'stderr'"),
        ("POST", "/containers/a/resize?h=1", 400, "invalid value '' for w: it must be between 0 and 65535"),
        ("GET", "/swarm", 503, "This node is not a swarm manager. Use"),
        ("POST", "/build", 501, "ImageBuild (POST /build) is not implemented by wherry yet"),
    ],
)
def test_errors_are_json_with_dockers_text(tmp_path: Path, method: str, target: str, status: int, message: str) -> None:
    async def body() -> None:
        async with serving(tmp_path) as client:
            await client.create("a1")
            answer = await client.ask(method, target.replace("/a/", "/a1/").replace('"', "%22"))
        assert answer.status == status
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["api-version"] == str(MAXIMUM)
        assert answer.json["message"].startswith(message)

    run(body())


def test_a_bug_is_a_500_without_a_traceback(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def body() -> None:
        async with serving(tmp_path) as client:
            answer = await client.ask("GET", "/networks")
        assert answer.status == 500
        assert answer.json == {
            "message": "internal error: AttributeError",
            "hint": "the daemon's log has the details",
        }

    run(body())
    assert "GET /networks failed" in caplog.text


def test_a_body_needs_its_content_type(tmp_path: Path) -> None:
    async def body() -> None:
        async with serving(tmp_path) as client:
            answer = await client.ask("POST", "/containers/create", {"Image": "busybox"}, Content_Type="text/plain")
        assert answer.status == 400
        assert answer.json["message"] == "unsupported Content-Type header (text/plain): must be 'application/json'"

    run(body())


def test_a_container_through_its_life(tmp_path: Path) -> None:
    async def body() -> None:
        async with serving(tmp_path) as client:
            identifier = await client.create("web", Labels={"a": "b"})
            assert (await client.ask("POST", "/v1.41/containers/web/start")).status == 204
            assert (await client.ask("POST", "/containers/web/start")).status == 304
            listed = (await client.ask("GET", "/containers/json")).json
            assert [(each["Id"], each["State"], each["ImageID"]) for each in listed] == [
                (identifier, "running", IMAGE_ID)
            ]
            inspected = (await client.ask("GET", f"/containers/{identifier[:12]}/json?size=1")).json
            assert (inspected["Name"], inspected["SizeRw"], inspected["SizeRootFs"]) == ("/web", 1, 2)
            assert (await client.ask("POST", "/containers/web/stop?t=0&signal=SIGUSR1")).status == 204
            assert (await client.ask("POST", "/containers/web/stop")).status == 304
            assert (await client.ask("GET", "/containers/web/json")).json["State"]["ExitCode"] == 7
            assert (await client.ask("GET", "/containers/json")).json == []
            assert (await client.ask("DELETE", "/containers/web?v=1")).status == 204
            assert (await client.ask("GET", "/containers/web/json")).status == 404

    run(body())


def test_an_image_that_is_not_here_is_a_404_by_which_clients_know_to_pull(tmp_path: Path) -> None:
    async def body() -> None:
        async with serving(tmp_path) as client:
            answer = await client.ask("POST", "/containers/create", {"Image": "nginx"})
        assert (answer.status, answer.json["message"]) == (404, "No such image: nginx:latest")

    run(body())


@pytest.mark.parametrize(
    ("length", "status"), [(b"", 204), (b"Content-Length: 2\r\n", 204), (b"Content-Length: 8\r\n", 400)]
)
def test_a_start_with_a_body_is_refused(tmp_path: Path, length: bytes, status: int) -> None:
    async def body() -> None:
        async with serving(tmp_path) as client:
            await client.create("web")
            data = b"x" * int(length.split()[-1]) if length else b""
            reader, _ = await client.connect(
                b"POST /containers/web/start HTTP/1.1\r\nConnection: close\r\n" + length + b"\r\n" + data
            )
            assert Answer(await reader.read()).status == status

    run(body())


def test_wait_sends_its_head_before_anything_happens(tmp_path: Path) -> None:
    async def body() -> None:
        async with serving(tmp_path) as client:
            await client.create("web")
            reader, _ = await client.connect(b"POST /containers/web/wait?condition=next-exit HTTP/1.1\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            await client.ask("POST", "/containers/web/start")
            await client.ask("POST", "/containers/web/stop?signal=SIGUSR1")
            assert b'{"StatusCode":7}\n' in await reader.readuntil(b"0\r\n\r\n")

    run(body())


def test_events_send_their_head_at_once_and_end_at_until(tmp_path: Path) -> None:
    async def body() -> None:
        async with serving(tmp_path) as client:
            reader, _ = await client.connect(b"GET /v1.41/events HTTP/1.1\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"Content-Type: application/json\r\n" in head
            identifier = await client.create("web", Labels={"a": "b"})
            line = json.loads((await reader.readuntil(b"}\n")).split(b"\r\n", 1)[1])
            assert (line["status"], line["id"], line["from"]) == ("create", identifier, "busybox")
            assert line["Actor"] == {"ID": identifier, "Attributes": {"a": "b", "image": "busybox", "name": "web"}}
            past = await client.ask("GET", "/events?since=0&until=1")
            assert (past.status, past.body) == (200, b"")
            assert past.headers["content-type"] == "application/jsonl"
            new = await client.ask("GET", '/events?since=1&until=2&filters={"event":["create"]}'.replace('"', "%22"))
            assert new.status == 200

    run(body())


UPGRADE = b"Connection: Upgrade\r\nUpgrade: tcp\r\n"


@pytest.mark.parametrize(
    ("version", "terminal", "headers", "first", "content_type"),
    [
        (b"/v1.42", False, UPGRADE, b"101 UPGRADED", b"application/vnd.docker.multiplexed-stream"),
        (b"/v1.42", True, UPGRADE, b"101 UPGRADED", b"application/vnd.docker.raw-stream"),
        (b"/v1.41", False, UPGRADE, b"101 UPGRADED", b"application/vnd.docker.raw-stream"),
        (b"", False, b"", b"200 OK", b"application/vnd.docker.raw-stream"),
    ],
)
def test_attach_takes_over_and_half_closes(
    tmp_path: Path, version: bytes, terminal: bool, headers: bytes, first: bytes, content_type: bytes
) -> None:
    async def body() -> None:
        async with serving(tmp_path) as client:
            await client.create("web", Tty=terminal)
            reader, writer = await client.connect(
                b"POST "
                + version
                + b"/containers/web/attach?stream=1&stdin=1&stdout=1&logs=1 HTTP/1.1\r\n"
                + headers
                + b"\r\n"
            )
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 " + first + b"\r\n")
            assert b"Content-Type: " + content_type + b"\r\n" in head
            assert (b"Upgrade: tcp" in head) == bool(headers)
            assert await reader.readexactly(8) == b"replayed"
            writer.write(b"hello")
            writer.write_eof()
            answer = await reader.read()
        assert answer == (b"helloeof" if terminal else b"\x01\0\0\0\0\0\0\x05hello\x01\0\0\0\0\0\0\x03eof")

    run(body())


def test_an_exec_answers_before_it_starts_and_tells_a_failure_in_its_stream(tmp_path: Path) -> None:
    async def body() -> None:
        async with serving(tmp_path) as client:
            missing = await client.ask("POST", "/exec/none/start", {})
            detached = await client.ask("POST", "/exec/broken/start", {"Detach": True})
            attached = await client.ask("POST", "/exec/broken/start", {}, Upgrade="tcp")
        assert (missing.status, missing.json["message"]) == (404, "No such exec instance: none")
        assert detached.status == 400
        assert (attached.status, attached.headers["api-version"]) == (101, str(MAXIMUM))
        text = b"OCI runtime exec failed: broken: no such file or directory\r\n"
        assert attached.body == b"\x01\0\0\0\0\0\0" + bytes([len(text)]) + text

    run(body())


def test_a_websocket_carries_plain_bytes(tmp_path: Path) -> None:
    async def body() -> None:
        async with serving(tmp_path) as client:
            await client.create("web")
            key = base64.b64encode(os.urandom(16))
            reader, writer = await client.connect(
                b"GET /containers/web/attach/ws?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nConnection: Upgrade\r\n"
                b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + b"\r\n\r\n"
            )
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
            writer.write(b"\x82\x85\0\0\0\0hello")
            assert await reader.readexactly(7) == b"\x82\x05hello"

    run(body())


def test_an_error_in_the_middle_of_logs_is_told_in_the_stream(tmp_path: Path) -> None:
    async def body() -> None:
        async with serving(tmp_path) as client:
            await client.create("web")
            answer = await client.ask("GET", "/containers/web/logs?stdout=1")
        assert answer.status == 200
        assert answer.headers["content-type"] == "application/vnd.docker.multiplexed-stream"
        first, rest = answer.body[:11], answer.body[11:]
        assert first == b"\x01\0\0\0\0\0\0\x03one"
        assert (rest[0], rest[8:].startswith(b"Error grabbing logs: ")) == (3, True)

    run(body())


def test_load_tells_progress_and_errors_in_the_stream(tmp_path: Path) -> None:
    async def body() -> None:
        async with serving(tmp_path) as client:
            good = await client.ask("POST", "/images/load", b"good", Content_Type="application/x-tar")
            bad = await client.ask("POST", "/images/load", b"bad", Content_Type="application/x-tar")
            torn = await client.ask("POST", "/images/load", b"torn", Content_Type="application/x-tar")
        assert good.body == b'{"stream":"Loaded image: busybox:1\\n"}\r\n'
        assert (bad.status, bad.json["error"]) == (200, "invalid archive: does not contain a manifest.json")
        assert torn.status == 200
        lines = torn.body.split(b"\r\n")
        assert json.loads(lines[1]) == {"errorDetail": {"message": "unexpected EOF"}, "error": "unexpected EOF"}

    run(body())


def test_pulling_says_clearly_that_it_is_missing(tmp_path: Path) -> None:
    async def body() -> None:
        async with serving(tmp_path) as client:
            answer = await client.ask("POST", "/images/create?fromImage=nginx&tag=latest")
        assert answer.status == 501
        assert answer.json["message"].startswith("cannot pull nginx:latest: pulling from registries is not implemented")

    run(body())


def test_containers_are_pruned_by_filter(tmp_path: Path) -> None:
    async def body() -> None:
        async with serving(tmp_path) as client:
            old = await client.create("old", Labels={"old": ""})
            await client.create("new")
            answer = await client.ask("POST", "/containers/prune?filters=%7B%22label%22:%5B%22old%22%5D%7D")
        assert answer.json == {"ContainersDeleted": [old], "SpaceReclaimed": 0}

    run(body())


def test_options_are_answered_for_any_path(tmp_path: Path) -> None:
    async def body() -> None:
        async with serving(tmp_path) as client:
            assert (await client.ask("OPTIONS", "/anything")).status == 200

    run(body())
