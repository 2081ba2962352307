"""Zygote and shim on the real kernel with a real runc: stdio, exit codes, execs, and surviving the daemon."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import bundle as bundles
from wherry.runtime.task import Attachment, Ended, RuntimeFailed, Task, read_exit
from wherry.runtime.zygote import Zygote
from wherry.shim.job import Job

BOTH = ("stdout", "stderr")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return bundles.bundle(tmp_path / "bundle")


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[list[str]]:
    path = shutil.which("runc")
    assert path
    command = [path, "--root", str(tmp_path / "runc"), "--log", "runtime.log", "--log-format", "json"]
    yield command
    assert list((tmp_path / "runc").glob("*")) == []


class Run:
    """One container under a shim, with a client attached from before the start."""

    def __init__(self, bundle: Path, runtime: list[str]) -> None:
        self.bundle = bundle
        self.runtime = runtime
        self.zygote = Zygote()
        self.ended: list[Ended] = []
        self.client: socket.socket

    async def start(self, *args: str, terminal: bool = False, stdin: bool = False, log: bool = True) -> Task:
        bundles.configure(self.bundle, list(args), terminal=terminal)
        identifier = f"t{time.time_ns()}"
        run = ["run", "--detach", "--bundle", str(self.bundle), "--pid-file", "pid"]
        run += ["--console-socket", "tty.sock"] if terminal else []
        job = Job(
            id=identifier,
            bundle=str(self.bundle),
            run=[*self.runtime, *run, identifier],
            delete=[*self.runtime, "delete", "--force", identifier],
            runtime_log="runtime.log",
            exit_path=str(self.bundle / "exit.json"),
            terminal=terminal,
            stdin=stdin,
            stdin_once=stdin,
            size=[24, 80] if terminal else None,
            log={"path": str(self.bundle / "log.json")} if log else None,
        )
        self.id = identifier
        self.client, theirs = socket.socketpair()
        self.client.setblocking(False)
        early = [(theirs, Attachment(stdin, BOTH, b"\x10\x11", framed=not terminal).request())]
        task = Task(await self.zygote.fork_shim(job, early))
        task.on_exit = self.ended.append
        return task

    async def output(self) -> bytes:
        return await read_all(self.client)

    def log(self) -> list[tuple[str, str]]:
        lines = (self.bundle / "log.json").read_text().splitlines()
        return [(entry["stream"], entry["log"]) for entry in map(json.loads, lines)]


async def read_all(sock: socket.socket) -> bytes:
    loop = asyncio.get_running_loop()
    pieces = []
    async with asyncio.timeout(20):
        while piece := await loop.sock_recv(sock, 1 << 16):
            pieces.append(piece)
    return b"".join(pieces)


@contextlib.asynccontextmanager
async def running(bundle: Path, runtime: list[str]) -> AsyncIterator[Run]:
    run = Run(bundle, runtime)
    run.zygote.spawn()
    try:
        yield run
    finally:
        run.zygote.close()
        run.client.close()


def frame(number: int, text: bytes) -> bytes:
    return bytes([number, 0, 0, 0]) + len(text).to_bytes(4, "big") + text


def test_output_exit_code_and_log_of_a_short_process(bundle: Path, runtime: list[str]) -> None:
    async def scenario() -> None:
        async with running(bundle, runtime) as run:
            task = await run.start("sh", "-c", "echo out; sleep 0.1; echo err >&2; exit 3")
            pid, at = await task.started
            assert pid > 0
            assert abs(at - time.time_ns()) < 20 * 10**9
            assert await run.output() == frame(1, b"out\n") + frame(2, b"err\n")
            await task.gone
            assert [ended.code for ended in run.ended] == [3]
            assert read_exit(bundle / "exit.json") == run.ended[0]
            assert run.log() == [("stdout", "out\n"), ("stderr", "err\n")]

    asyncio.run(scenario())


def test_input_sent_before_the_start_arrives(bundle: Path, runtime: list[str]) -> None:
    async def scenario() -> None:
        async with running(bundle, runtime) as run:
            task = await run.start("cat", stdin=True)
            run.client.sendall(b"early")
            run.client.shutdown(socket.SHUT_WR)
            assert await run.output() == frame(1, b"early")
            await task.gone
            assert run.ended[0].code == 0

    asyncio.run(scenario())


def test_a_runtime_that_refuses_is_quoted_and_reaches_no_client(bundle: Path, runtime: list[str]) -> None:
    async def scenario() -> None:
        async with running(bundle, runtime) as run:
            task = await run.start("nosuchprogram")
            with pytest.raises(RuntimeFailed, match=r"executable file not found in \$PATH"):
                await task.started
            assert await run.output() == b""
            await task.gone

    asyncio.run(scenario())


def test_a_runtime_that_does_not_exist_is_named(bundle: Path, runtime: list[str]) -> None:
    async def scenario() -> None:
        async with running(bundle, ["/nonexistent/runtime"]) as run:
            task = await run.start("true")
            with pytest.raises(RuntimeFailed, match="/nonexistent/runtime"):
                await task.started
            await task.gone

    asyncio.run(scenario())


def test_a_terminal_has_its_size_and_is_raw(bundle: Path, runtime: list[str]) -> None:
    async def scenario() -> None:
        async with running(bundle, runtime) as run:
            task = await run.start("sh", "-c", "stty size; sleep 0.3; stty size", terminal=True, stdin=True)
            await task.started
            await task.resize(50, 132)
            assert await run.output() == b"24 80\r\n50 132\r\n"
            await task.gone

    asyncio.run(scenario())


def test_detach_keys_let_the_client_go_and_the_process_live(bundle: Path, runtime: list[str]) -> None:
    async def scenario() -> None:
        async with running(bundle, runtime) as run:
            detached: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            task = await run.start("cat", terminal=True, stdin=True)
            task.on_detach = detached.set_result
            await task.started
            run.client.sendall(b"\x10\x11")
            assert await run.output() == b""
            assert await detached == ""
            assert (await task.state()).code is None
            await task.signal(9)
            await task.gone
            assert run.ended[0].code == 137

    asyncio.run(scenario())


def exec_request(bundle: Path, run: Run, name: str, args: list[str]) -> dict[str, Any]:
    process = {"user": {"uid": 0, "gid": 0}, "args": args, "cwd": "/", "env": ["PATH=/bin"], "terminal": False}
    (bundle / f"{name}.json").write_text(json.dumps(process))
    argv = [*run.runtime, "exec", "--detach", "--process", f"{name}.json", "--pid-file", f"{name}.pid", run.id]
    return {"argv": argv, "pid_file": f"{name}.pid", "log": "runtime.log", "terminal": False} | {
        "size": None,
        "terminal_socket": f"{name}.sock",
    }


def test_exec_has_its_own_stdio_and_exit_code(bundle: Path, runtime: list[str]) -> None:
    async def scenario() -> None:
        async with running(bundle, runtime) as run:
            task = await run.start("sleep", "1000")
            await task.started
            ended: asyncio.Future[tuple[str, int]] = asyncio.get_running_loop().create_future()
            task.on_exec_exit = lambda name, code: ended.set_result((name, code))
            ours, theirs = socket.socketpair()
            ours.setblocking(False)
            ours.sendall(b"typed")
            ours.shutdown(socket.SHUT_WR)
            request = exec_request(bundle, run, "e1", ["sh", "-c", "cat; exit 5"])
            await task.exec("e1", client=theirs, attachment=Attachment(True, BOTH), **request)
            assert await read_all(ours) == frame(1, b"typed")
            assert await ended == ("e1", 5)
            refused = exec_request(bundle, run, "e2", ["nosuchprogram"])
            with pytest.raises(RuntimeFailed, match="executable file not found"):
                await task.exec("e2", client=None, attachment=Attachment(False, ()), **refused)
            ours.close()
            await task.signal(9)
            await task.gone

    asyncio.run(scenario())


def test_a_shim_outlives_daemon_and_zygote_and_tells_the_next_daemon(bundle: Path, runtime: list[str]) -> None:
    async def scenario() -> None:
        async with running(bundle, runtime) as run:
            task = await run.start("sh", "-c", "while :; do echo tick; sleep 0.01; done")
            pid, _ = await task.started
            task.close()
            run.zygote.close()
            await asyncio.sleep(0.2)
            again = Task.connect(bundle)
            again.on_exit = run.ended.append
            assert (await again.state()).pid == pid
            before = len(run.log())
            await asyncio.sleep(0.2)
            assert len(run.log()) > before
            await again.signal(15)
            await again.signal(9)
            await again.gone
            assert run.ended[0].code in (137, 143)

    asyncio.run(scenario())


def test_an_end_without_a_daemon_is_on_disk(bundle: Path, runtime: list[str]) -> None:
    async def scenario() -> None:
        async with running(bundle, runtime) as run:
            task = await run.start("sh", "-c", "sleep 0.2; exit 4")
            await task.started
            task.close()
            run.client.close()
            deadline = time.monotonic() + 10
            while (left := read_exit(bundle / "exit.json")) is None:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.02)
            assert left.code == 4
            while True:
                try:
                    Task.connect(bundle).close()
                except OSError:
                    return
                await asyncio.sleep(0.02)

    asyncio.run(scenario())


def test_a_new_zygote_replaces_one_that_died(bundle: Path, runtime: list[str]) -> None:
    async def scenario() -> None:
        async with running(bundle, runtime) as run:
            import os
            import signal

            os.kill(run.zygote.pid, signal.SIGKILL)
            await asyncio.sleep(0.1)
            task = await run.start("true")
            await task.started
            await task.gone
            assert run.ended[0].code == 0

    asyncio.run(scenario())
