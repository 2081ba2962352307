"""Engines behind TLS: who is trusted, and what half-closing means there."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.two_clients import Clients
from wherry.client import address, transport

OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory as DOCKER_CERT_PATH wants it; one self-signed pair serves both sides."""
    directory = tmp_path_factory.mktemp("certificates")
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-keyout", str(directory / "key.pem"), "-out", str(directory / "cert.pem")]
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    assert OPENSSL is not None
    subprocess.run([OPENSSL, "req", *kind, *names, *files], check=True, capture_output=True)
    shutil.copy(directory / "cert.pem", directory / "ca.pem")
    return directory


@pytest.fixture
def port(certificates: Path) -> Iterator[int]:
    """A TLS server that answers GET with `1`, and echoes what follows a POST once the client's side has ended."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    context.load_verify_locations(certificates / "ca.pem")
    context.verify_mode = ssl.CERT_OPTIONAL
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(plain,), daemon=True).start()

    def answer(plain: socket.socket) -> None:
        try:
            with plain, context.wrap_socket(plain, server_side=True, suppress_ragged_eofs=True) as connection:
                exchange(connection)
        except OSError:
            pass  # a client that does not trust us

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def exchange(connection: ssl.SSLSocket) -> None:
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(4096)
    if head.startswith(b"GET"):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1")
        return
    received = head.partition(b"\r\n\r\n")[2]
    connection.sendall(b"HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\n")
    while data := connection.recv(65536):
        received += data
    connection.sendall(received)


def tls(certificates: Path, *, verify: bool = True, ca: str = "ca.pem") -> address.Tls:
    return address.Tls(str(certificates / ca), str(certificates / "cert.pem"), str(certificates / "key.pem"), verify)


def test_a_server_whose_certificate_is_signed_is_trusted(certificates: Path, port: int) -> None:
    engine = transport.Engine(address.Address(f"tcp://127.0.0.1:{port}", tls(certificates)))
    assert engine.get("/x") == 1


def test_a_server_that_nobody_signed_is_refused_unless_not_verified(
    tmp_path: Path, certificates: Path, port: int
) -> None:
    shutil.copy(ssl.get_default_verify_paths().cafile or certificates / "ca.pem", tmp_path / "other.pem")
    wrong = address.Tls(str(tmp_path / "other.pem"), "", "", verify=True)
    host = f"tcp://127.0.0.1:{port}"
    if ssl.get_default_verify_paths().cafile:
        with pytest.raises(transport.CannotConnect):
            transport.Engine(address.Address(host, wrong)).get("/x")
    assert transport.Engine(address.Address(host, address.Tls("", "", "", verify=False))).get("/x") == 1


def test_the_environment_chooses_tls(clients: Clients, certificates: Path, port: int) -> None:
    where = {"DOCKER_HOST": f"tcp://127.0.0.1:{port}", "DOCKER_CERT_PATH": str(certificates)}
    assert clients.wherry("inspect", "-f", "{{.}}", "x", **where, DOCKER_TLS_VERIFY="1").stdout == "1\n"
    plain = clients.wherry("inspect", "x", **where)
    assert plain.code == 1


@pytest.mark.parametrize("size", [0, 10, 2_000_000])
def test_output_goes_on_after_our_side_has_ended(certificates: Path, port: int, clients: Clients, size: int) -> None:
    program = (
        "import sys; from wherry.client import address, transport; from wherry.cli import relay\n"
        f"tls = address.Tls({str(certificates / 'ca.pem')!r}, '', '', True)\n"
        f"engine = transport.Engine(address.Address('tcp://127.0.0.1:{port}', tls))\n"
        "sock, early, _ = engine.hijack('/attach')\n"
        "relay.Relay(sock, early, framed=False, stdin=True).run()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=b"x" * size, env=clients.environment(), capture_output=True, timeout=20
    )
    assert (done.stdout, done.stderr) == (b"x" * size, b"")
