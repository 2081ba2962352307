from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.canned_engine import CannedEngine
from wherry.client import address, jsontext, transport


@pytest.fixture
def canned(tmp_path: Path) -> Iterator[CannedEngine]:
    with CannedEngine(tmp_path) as engine:
        yield engine


@pytest.fixture
def engine(canned: CannedEngine) -> transport.Engine:
    return transport.Engine(address.Address(canned.host))


@pytest.fixture
def raw(tmp_path: Path) -> Iterator[Callable[[bytes], transport.Engine]]:
    """An engine that answers every request with given bytes and closes."""
    listener = socket.socket(socket.AF_UNIX)
    path = tmp_path / "raw.sock"
    listener.bind(str(path))
    listener.listen()
    answer = [b""]

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(answer[0])

    threading.Thread(target=serve, daemon=True).start()

    def answering(data: bytes) -> transport.Engine:
        answer[0] = data
        return transport.Engine(address.Address(f"unix://{path}"))

    yield answering
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def test_a_document_goes_there_and_comes_back(canned: CannedEngine, engine: transport.Engine) -> None:
    canned.routes["POST", "/x"] = {"ü": [1, None, True]}
    assert engine.post("/x", [("a b", "c&d=ü")], json={"k": "ü"}) == {"ü": [1, None, True]}
    (request,) = canned.requests
    assert (request.json, request.query) == ({"k": "ü"}, {"a b": ["c&d=ü"]})


def test_an_error_carries_status_and_message(canned: CannedEngine, engine: transport.Engine) -> None:
    canned.routes["GET", "/x"] = (409, {"message": "in use", "hint": "stop it"})
    with pytest.raises(transport.EngineError) as raised:
        engine.get("/x")
    assert (raised.value.status, raised.value.message, raised.value.hint) == (409, "in use", "stop it")


def test_a_version_goes_before_the_path(canned: CannedEngine) -> None:
    canned.routes["GET", "/x"] = 1
    assert transport.Engine(address.Address(canned.host), version="1.41").get("/x") == 1


@pytest.mark.parametrize(("offered", "agreed"), [("1.44", "1.44"), ("1.55", "1.55"), ("1.99", "1.55"), ("1.9", "1.9")])
def test_the_lower_version_is_agreed_on(
    canned: CannedEngine, engine: transport.Engine, offered: str, agreed: str
) -> None:
    canned.api_version = offered
    assert transport.negotiated(engine) == agreed


def test_a_body_in_pieces_arrives_whole(canned: CannedEngine, engine: transport.Engine) -> None:
    canned.routes["POST", "/x"] = 1
    engine.request("POST", "/x", body=iter([b"a" * 100_000, b"", b"b"])).read()
    assert canned.requests[0].body == b"a" * 100_000 + b"b"


def test_many_requests_are_under_way_at_once(canned: CannedEngine, engine: transport.Engine) -> None:
    together = threading.Barrier(3, timeout=10)

    def wait_for_the_others(request: Any) -> Any:
        together.wait()
        return {"path": request.path}

    canned.answer = wait_for_the_others
    answers = list(engine.request_all("POST", ["/a", "/b", "/c"]))
    assert answers == [{"path": "/a"}, {"path": "/b"}, {"path": "/c"}]


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@given(pieces=st.lists(st.binary(min_size=1, max_size=30), max_size=8))
def test_chunks_are_put_together(pieces: list[bytes]) -> None:
    body = b"".join(b"%x;ext=1\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    near, far = socket.socketpair()
    with near, far:
        far.sendall(CHUNKED + body)
        far.shutdown(socket.SHUT_WR)
        assert transport.Response(near, "GET").read() == b"".join(pieces)


def test_lines_are_cut_wherever_chunks_end(raw: Callable[[bytes], transport.Engine]) -> None:
    engine = raw(CHUNKED + b"4\r\n{}\r\n\r\n3\r\n\n[1\r\n2\r\n]\n\r\n1\r\nx\r\n0\r\n\r\n")
    assert list(engine.request("GET", "/").lines()) == [b"{}", b"[1]", b"x"]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
        CHUNKED + b"5\r\nabc",
        CHUNKED + b"3\r\nabc\r\n",
    ],
)
def test_an_answer_that_breaks_off_is_an_error(raw: Callable[[bytes], transport.Engine], answer: bytes) -> None:
    with pytest.raises(transport.ConnectionLost):
        raw(answer).request("GET", "/").read()


def test_a_body_without_a_length_lasts_until_the_end(raw: Callable[[bytes], transport.Engine]) -> None:
    assert raw(b"HTTP/1.1 200 OK\r\n\r\nabc").request("GET", "/").read() == b"abc"


def test_bytes_that_come_with_an_upgrade_are_kept(raw: Callable[[bytes], transport.Engine]) -> None:
    engine = raw(b"HTTP/1.1 101 UPGRADED\r\nContent-Type: x/y\r\nUpgrade: tcp\r\n\r\nearly")
    sock, early, content_type = engine.hijack("/x")
    sock.close()
    assert (early, content_type) == (b"early", "x/y")


def test_nobody_at_the_address_is_said_in_dockers_words(tmp_path: Path) -> None:
    host = f"unix://{tmp_path}/none"
    with pytest.raises(
        transport.CannotConnect, match=f"Cannot connect to the Docker daemon at {host}. Is the docker daemon running?"
    ):
        transport.Engine(address.Address(host)).get("/x")


@pytest.mark.parametrize(
    ("host", "scheme", "name", "port"),
    [
        ("tcp://example:1234", "tcp", "example", 1234),
        ("tcp://example", "tcp", "example", 2375),
        ("tcp://[::1]:5", "tcp", "::1", 5),
        ("tcp://[::1]", "tcp", "::1", 2375),
        ("tcp://:7", "tcp", "localhost", 7),
        ("tcp://1.2.3.4:5/path", "tcp", "1.2.3.4", 5),
    ],
)
def test_peers_are_read(host: str, scheme: str, name: str, port: int) -> None:
    found = address.Address(host)
    assert (found.scheme, found.name, found.port) == (scheme, name, port)


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("", address.DEFAULT_SOCKET),
        (" unix:///x ", "unix:///x"),
        ("/run/x.sock", "unix:///run/x.sock"),
        (":5", "tcp://localhost:5"),
        ("box", "tcp://box:2375"),
        ("box:1", "tcp://box:1"),
    ],
)
def test_short_forms_of_a_host_are_understood(written: str, host: str) -> None:
    assert address.normalise(written) == host


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=15,
)


@given(JSON)
def test_json_is_read_and_written_as_the_library_does(value: Any) -> None:
    assert jsontext.decode(json.dumps(value)) == value
    assert json.loads(jsontext.encode(value)) == value


@given(JSON)
def test_indented_json_means_the_same_and_looks_like_the_librarys(value: Any) -> None:
    text = json.dumps(value, indent=1)
    assert jsontext.indent(text) == json.dumps(value, indent=4)


@pytest.mark.parametrize("text", ["", "{", "nope", '{"a":}', "[1] x"])
def test_what_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="."):
        jsontext.decode(text)
