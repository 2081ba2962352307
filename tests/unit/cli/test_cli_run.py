"""The life of `run`, `exec`, `attach` and `start` against an engine that takes connections over."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from tests.support.canned_engine import CannedEngine, Raw
from tests.support.two_clients import Clients

ID, EXEC = "c" * 64, "e" * 64
CREATE = ("POST", "/containers/create")
START = ("POST", f"/containers/{ID}/start")
WAIT = ("POST", f"/containers/{ID}/wait")
PULL = ("POST", "/images/create")
UPGRADED = (
    b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.%b-stream\r\n"
    b"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
)


def frame(stream: int, data: bytes) -> bytes:
    return struct.pack(">BxxxI", stream, len(data)) + data


def both_streams(exchange: BaseHTTPRequestHandler) -> None:
    exchange.wfile.write(UPGRADED % b"multiplexed" + frame(1, b"out\n") + frame(2, b"err\n"))


def silence(exchange: BaseHTTPRequestHandler) -> None:
    """Nothing to say until the client leaves."""
    exchange.wfile.write(UPGRADED % b"multiplexed")
    exchange.wfile.flush()
    exchange.connection.recv(1)


def echo(exchange: BaseHTTPRequestHandler) -> None:
    """Send back what comes until the client's side ends, then say so: needs half-close."""
    exchange.wfile.write(UPGRADED % b"multiplexed")
    received = exchange.connection.makefile("rb").read()
    exchange.wfile.write(frame(1, received) + frame(2, b"ended\n"))


def echo_terminal(exchange: BaseHTTPRequestHandler) -> None:
    """A terminal that repeats lines; `exit` ends it."""
    exchange.wfile.write(UPGRADED % b"raw" + b"$ ")
    exchange.wfile.flush()
    seen = b""
    while data := exchange.connection.recv(1024):
        exchange.wfile.write(data)
        seen += data
        if b"exit" in seen:
            return


@pytest.fixture
def ready(clients: Clients, engine: CannedEngine) -> Clients:
    engine.routes = {
        CREATE: (201, {"Id": ID, "Warnings": ["watch out"]}),
        ("POST", f"/containers/{ID}/attach"): both_streams,
        WAIT: {"StatusCode": 3},
        START: None,
        ("POST", f"/containers/{ID}/resize"): None,
        ("POST", f"/containers/{ID}/kill"): None,
        ("GET", "/containers/x/json"): {"Id": ID, "Config": {"Tty": False}, "State": {"Running": True}},
        ("POST", "/containers/x/attach"): both_streams,
        ("POST", "/containers/x/wait"): {"StatusCode": 4},
        ("POST", "/containers/x/exec"): {"Id": EXEC},
        ("POST", f"/exec/{EXEC}/start"): both_streams,
        ("POST", f"/exec/{EXEC}/resize"): None,
        ("GET", f"/exec/{EXEC}/json"): {"ExitCode": 5, "Running": False},
    }
    return clients


def steps(outcome: Any) -> list[str]:
    return [request.path.rpartition("/")[2] for request in outcome.requests]


def test_run_attaches_and_waits_before_it_starts(ready: Clients) -> None:
    outcome = ready.wherry("run", "busybox")
    assert steps(outcome) == ["create", "attach", "wait", "start"]
    assert outcome.requests[2].query == {"condition": ["next-exit"]}


def test_run_shows_both_streams_and_leaves_with_the_containers_code(ready: Clients) -> None:
    outcome = ready.wherry("run", "busybox")
    assert (outcome.code, outcome.stdout) == (3, "out\n")
    assert outcome.stderr == "WARNING: watch out\nerr\n"


def test_run_rm_waits_for_the_removal(ready: Clients) -> None:
    assert ready.wherry("run", "--rm", "busybox").requests[2].query == {"condition": ["removed"]}


def test_run_detached_prints_the_id_only(ready: Clients) -> None:
    outcome = ready.wherry("run", "-d", "busybox")
    assert (outcome.code, outcome.stdout) == (0, ID + "\n")
    assert steps(outcome) == ["create", "start"]


@pytest.mark.parametrize("size", [0, 5, 3_000_000])
def test_run_sends_all_of_standard_input_and_its_end(ready: Clients, engine: CannedEngine, size: int) -> None:
    engine.routes["POST", f"/containers/{ID}/attach"] = echo
    outcome = ready.wherry("run", "-i", "busybox", stdin="x" * size)
    assert outcome.stdout == "x" * size
    assert outcome.stderr.endswith("ended\n")


def test_run_keeps_output_that_comes_together_with_the_answer(ready: Clients, engine: CannedEngine) -> None:
    piece = frame(1, b"a" * 70_000) + frame(2, b"b" * 3)
    engine.routes["POST", f"/containers/{ID}/attach"] = lambda exchange: exchange.wfile.write(
        UPGRADED % b"multiplexed" + piece
    )
    assert ready.wherry("run", "busybox").stdout == "a" * 70_000


@pytest.mark.parametrize(
    ("routes", "words"),
    [
        ({CREATE: (400, {"message": "no command specified"})}, ("run", "busybox")),
        ({CREATE: (404, {"message": "No such image: busybox:latest"})}, ("run", "busybox")),
        (
            {CREATE: (404, {"message": "gone"}), PULL: Raw(b'{"errorDetail":{"message":"boo"},"error":"boo"}\r\n')},
            ("run", "b"),
        ),
        ({CREATE: (404, {"message": "gone"})}, ("run", "--pull", "never", "busybox")),
        ({CREATE: (409, {"message": "Conflict."})}, ("create", "busybox")),
        ({CREATE: (404, {"message": "gone"})}, ("create", "-q", "busybox")),
        ({START: (400, {"message": 'exec: "nope": executable file not found in $PATH'})}, ("run", "busybox", "nope")),
        ({START: (400, {"message": "failed: permission denied"})}, ("run", "busybox", "/etc")),
        ({START: (409, {"message": "port taken"})}, ("run", "--rm", "busybox")),
        ({}, ("run", "--cidfile", "/proc/version", "busybox")),
        ({}, ("run", "--cidfile", "/nonexistent/y", "busybox")),
        ({}, ("run", "--env-file", "/nonexistent", "busybox")),
        ({}, ("run", "--restart", "always", "--rm", "busybox")),
        ({}, ("run", "--pull", "x", "busybox")),
        ({}, ("exec", "x", "ls")),
        ({("POST", "/containers/x/exec"): (409, {"message": "Container c is not running"})}, ("exec", "x", "ls")),
        ({("GET", f"/exec/{EXEC}/json"): {"ExitCode": 127, "Running": False}}, ("exec", "x", "nope")),
        ({}, ("start", "nox", "nox2")),
        ({}, ("start", "-a", "nox", "nox2")),
        ({}, ("attach", "nox")),
    ],
)
def test_failures_read_and_end_as_dockers_do(
    both: Clients, ready: Clients, routes: dict[Any, Any], words: tuple[str, ...]
) -> None:
    ready.engine.routes |= routes
    if START in routes:
        ready.engine.routes["POST", f"/containers/{ID}/attach"] = silence
    both.assert_same(*words)


def test_run_pulls_a_missing_image_and_creates_again(ready: Clients, engine: CannedEngine) -> None:
    answers = iter([(404, {"message": "No such image"}), (201, {"Id": ID, "Warnings": []})])
    engine.answer = lambda request: next(answers) if (request.method, request.path) == CREATE else None
    engine.routes[PULL] = Raw(b'{"status":"Pull complete","id":"abc"}\r\n')
    outcome = ready.wherry("run", "reg.io/a/b")
    assert steps(outcome)[:3] == ["create", "create", "create"]
    assert outcome.requests[1].query == {"fromImage": ["reg.io/a/b"], "tag": ["latest"]}
    assert "abc: Pull complete\n" in outcome.stderr
    assert outcome.code == 3


@pytest.mark.parametrize(("words", "code"), [(("attach", "x"), 4), (("start", "-a", "x"), 3), (("exec", "x", "ls"), 5)])
def test_other_attachments_show_both_streams_and_the_code(ready: Clients, words: tuple[str, ...], code: int) -> None:
    outcome = ready.wherry(*words)
    assert (outcome.code, outcome.stdout, outcome.stderr) == (code, "out\n", "err\n")


def test_exec_waits_for_an_exit_code_that_is_late(ready: Clients, engine: CannedEngine) -> None:
    late = iter([{"Running": True, "ExitCode": None}, {"Running": True, "ExitCode": None}])
    engine.answer = lambda request: next(late, None) if request.path == f"/exec/{EXEC}/json" else None
    assert ready.wherry("exec", "x", "ls").code == 5


def test_exec_detached_does_not_attach(ready: Clients, engine: CannedEngine) -> None:
    engine.routes["POST", f"/exec/{EXEC}/start"] = None
    outcome = ready.wherry("exec", "-d", "-e", "A=b", "-u", "u", "-w", "/w", "--privileged", "x", "ls", "-l")
    assert outcome.code == 0
    body = outcome.requests[0].json
    assert body["Cmd"] == ["ls", "-l"]
    assert (body["User"], body["WorkingDir"], body["Env"], body["Privileged"]) == ("u", "/w", ["A=b"], True)
    assert outcome.requests[1].json["Detach"] is True


def test_a_signal_is_passed_on_to_the_container(ready: Clients, engine: CannedEngine) -> None:
    def until_killed(exchange: BaseHTTPRequestHandler) -> None:
        exchange.wfile.write(UPGRADED % b"multiplexed" + frame(1, b"ready\n"))
        exchange.wfile.flush()
        deadline = time.monotonic() + 10
        while not engine.sent("POST", f"/containers/{ID}/kill") and time.monotonic() < deadline:
            time.sleep(0.01)

    engine.routes["POST", f"/containers/{ID}/attach"] = until_killed
    command = [sys.executable, "-m", "wherry.cli", "run", "busybox"]
    with subprocess.Popen(
        command, env=ready.environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 3
    assert [request.query for request in engine.sent("POST", f"/containers/{ID}/kill")] == [{"signal": ["TERM"]}]


class Terminal:
    """The command at the other end of a pseudo-terminal."""

    def __init__(self, environment: dict[str, str], *words: str) -> None:
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.execve(sys.executable, [sys.executable, "-m", "wherry.cli", *words], environment)
        self.output = b""

    def read_until(self, text: bytes) -> None:
        deadline = time.monotonic() + 10
        while text not in self.output:
            assert time.monotonic() < deadline, self.output
            if select.select([self.descriptor], [], [], 0.1)[0]:
                self.output += os.read(self.descriptor, 4096)

    def type(self, text: bytes) -> None:
        os.write(self.descriptor, text)

    def code(self) -> int:
        while True:
            try:
                data = os.read(self.descriptor, 4096)
            except OSError:
                break
            if not data:
                break
            self.output += data
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.fixture
def terminal(ready: Clients, engine: CannedEngine) -> Iterator[Callable[..., Terminal]]:
    engine.routes["POST", f"/containers/{ID}/attach"] = echo_terminal
    engine.routes["POST", f"/exec/{EXEC}/start"] = echo_terminal
    opened: list[Terminal] = []

    def open_terminal(*words: str) -> Terminal:
        opened.append(Terminal(ready.environment(), *words))
        return opened[-1]

    yield open_terminal
    for each in opened:
        os.close(each.descriptor)


def test_a_terminal_is_raw_and_ends_with_the_container(terminal: Callable[..., Terminal]) -> None:
    shell = terminal("run", "-it", "busybox")
    shell.read_until(b"$ ")
    shell.type(b"\x03\x1a")  # keys that a terminal in its usual mode would turn into signals
    shell.read_until(b"\x03\x1a")
    shell.type(b"exit")
    assert shell.code() == 3


@pytest.mark.parametrize(
    ("words", "typed", "code", "said"),
    [
        (("run", "-it", "busybox"), b"\x10\x11", 0, b""),
        (("run", "-it", "--detach-keys", "ctrl-a,x", "busybox"), b"\x01x", 0, b""),
        (("exec", "-it", "x", "sh"), b"\x10\x11", 1, b"read escape sequence"),
    ],
)
def test_detach_keys_leave_the_container(
    terminal: Callable[..., Terminal], words: tuple[str, ...], typed: bytes, code: int, said: bytes
) -> None:
    shell = terminal(*words)
    shell.read_until(b"$ ")
    shell.type(typed)
    assert shell.code() == code
    assert said in shell.output
    assert typed not in shell.output


def test_the_container_learns_the_size_of_the_window(terminal: Callable[..., Terminal], engine: CannedEngine) -> None:
    shell = terminal("run", "-it", "busybox")
    shell.read_until(b"$ ")
    fcntl.ioctl(shell.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
    resize = ("POST", f"/containers/{ID}/resize")
    deadline = time.monotonic() + 10
    while {"h": ["33"], "w": ["99"]} not in [request.query for request in engine.sent(*resize)]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    shell.type(b"exit")
    assert shell.code() == 3
