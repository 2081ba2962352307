"""TLS with real certificates: who is let in, who they are, and taken-over connections."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.http_serving import error_response, run
from wherry.http import listen
from wherry.http.client import BadResponse, Connection, connect_tcp
from wherry.http.message import Request, Response
from wherry.http.server import Limits, Server


def openssl(directory: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with ca, server, client and stranger certificates and keys; the stranger's is its own authority."""
    directory = tmp_path_factory.mktemp("tls")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for name in ("ca", "stranger"):
        openssl(
            directory, "req", "-x509", *key, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}"
        )
    for name, subject in (("server", "/CN=server"), ("client", "/O=Boats/CN=skipper")):
        openssl(directory, "req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", subject)
        (directory / "extensions").write_text("subjectAltName=IP:127.0.0.1\n")
        signing = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "extensions"]
        openssl(directory, "x509", "-req", "-in", f"{name}.csr", *signing, "-out", f"{name}.pem")
    return directory


async def handler(request: Request) -> Response | None:
    if request.path == "/attach":
        raw = await request.hijack(b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
        await raw.write(await raw.read() * 100_000)
        raw.write_eof()
        await raw.closed
        return None
    peer = request.peer
    return Response(200, {"X-Peer": f"{peer.kind} {peer.subject} {peer.address}"}, await request.body.read(1 << 20))


@contextlib.asynccontextmanager
async def serving_tls(certificates: Path, *, verify: bool, limits: Limits | None = None) -> AsyncIterator[int]:
    files = (str(certificates / name) for name in ("server.pem", "server.key", "ca.pem"))
    (sock,) = listen.tcp("127.0.0.1", 0)
    server = Server(handler, error_response, limits)
    await server.serve(sock, listen.tls(*files, verify=verify))
    try:
        yield sock.getsockname()[1]
    finally:
        await server.close(grace=0)


def client_context(certificates: Path, identity: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=certificates / "ca.pem")
    if identity:
        context.load_cert_chain(certificates / f"{identity}.pem", certificates / f"{identity}.key")
    return context


async def connect(port: int, context: ssl.SSLContext) -> Connection:
    return await connect_tcp("127.0.0.1", port, context)


def test_a_client_with_a_certificate_is_let_in_and_known_by_its_subject(certificates: Path) -> None:
    async def body() -> None:
        async with serving_tls(certificates, verify=True) as port:
            connection = await connect(port, client_context(certificates, "client"))
            for _ in range(2):
                response = await connection.request("POST", "/", body=b"x" * 300_000)
                assert await response.read() == b"x" * 300_000
                assert response.headers.get("X-Peer").startswith("tcp O=Boats,CN=skipper 127.0.0.1:")
            await connection.close()

    run(body())


@pytest.mark.parametrize("identity", [None, "stranger"])
def test_a_client_without_a_certificate_of_ours_never_reaches_the_handler(
    certificates: Path, identity: str | None
) -> None:
    async def body() -> None:
        async with serving_tls(certificates, verify=True) as port:
            context = client_context(certificates, identity)
            with pytest.raises((ssl.SSLError, ConnectionError, BadResponse)):
                await (await connect(port, context)).request("GET", "/")

    run(body())


def test_without_verification_anybody_is_let_in_and_has_no_subject(certificates: Path) -> None:
    async def body() -> None:
        async with serving_tls(certificates, verify=False) as port:
            connection = await connect(port, client_context(certificates, None))
            response = await connection.request("GET", "/")
            assert response.headers.get("X-Peer").startswith("tcp  127.0.0.1:")
            await connection.close()

    run(body())


def test_old_tls_and_plain_http_are_refused_and_the_server_goes_on(certificates: Path) -> None:
    async def body() -> None:
        async with serving_tls(certificates, verify=False) as port:
            old = client_context(certificates, None)
            with pytest.warns(DeprecationWarning, match="TLSv1_1"):
                old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await connect(port, old)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                assert b"200 OK" not in await reader.read()
            writer.close()
            connection = await connect(port, client_context(certificates, None))
            assert (await connection.request("GET", "/")).status == 200
            await connection.close()

    run(body())


def test_a_client_that_never_shakes_hands_is_dropped(certificates: Path) -> None:
    async def body() -> None:
        async with serving_tls(certificates, verify=False, limits=Limits(header_seconds=0.2)) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
            writer.close()

    run(body())


def test_a_taken_over_tls_connection_sends_all_before_it_closes(certificates: Path) -> None:
    async def body() -> None:
        async with serving_tls(certificates, verify=False) as port:
            connection = await connect(port, client_context(certificates, None))
            response, raw = await connection.upgrade("POST", "/attach")
            assert response.status == 101
            assert raw is not None
            await raw.write(b"0123456789")
            size = 0
            while piece := await raw.read():
                size += len(piece)
            assert size == 1_000_000
            await raw.close()

    run(body())


def test_a_malformed_request_over_tls_is_answered(certificates: Path) -> None:
    async def body() -> None:
        async with serving_tls(certificates, verify=False) as port:
            context = client_context(certificates, None)
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
            writer.write(b"garbage\r\n\r\n" * 10)
            assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
            writer.close()

    run(body())
