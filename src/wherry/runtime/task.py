"""A running container as the daemon sees it: a connection to its shim.

Knows the shim's messages. Must not know containers' records or what Docker calls things. The task outlives the daemon;
a later daemon connects again by the bundle's directory.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from wherry import errors
from wherry.shim import protocol
from wherry.shim.supervisor import SOCKET


class RuntimeFailed(errors.Internal):
    """The OCI runtime refused; `reason` is its own text, which clients match on."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ShimGone(errors.Internal):
    def __init__(self) -> None:
        super().__init__("the supervising process of the container has ended", hint="see shim.log in its bundle")


class Ended(msgspec.Struct, frozen=True):
    """How the container's process ended; `at` in nanoseconds since 1970."""

    code: int
    at: int
    oom_killed: bool = False


class ShimState(msgspec.Struct, frozen=True):
    """What a shim says of itself; `code` is None while the process runs, `execs` maps names to {"pid", "code"}."""

    pid: int
    code: int | None
    execs: dict[str, dict[str, int | None]]


class Attachment(msgspec.Struct, frozen=True):
    """How a client wants to be attached.

    `keys` are the bytes of the detach sequence, empty for none; with `framed` output comes in Docker's frames.
    """

    stdin: bool
    outputs: tuple[str, ...]
    keys: bytes = b""
    framed: bool = True

    def request(self) -> dict[str, Any]:
        return {"stdin": self.stdin, "outputs": list(self.outputs), "keys": list(self.keys), "framed": self.framed}


class Task:
    """Requests to one shim and what it tells. Callbacks run in the event loop and must not block.

    `started` resolves to the pid, or fails with RuntimeFailed; `gone` resolves when the shim has ended and the
    container's name is free in the runtime.
    """

    def __init__(self, control: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._control = control
        self._numbers = 0
        self._replies: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.started: asyncio.Future[tuple[int, int]] = self._loop.create_future()
        self.gone: asyncio.Future[None] = self._loop.create_future()
        self.on_exit: Callable[[Ended], None] = lambda _ended: None
        self.on_exec_exit: Callable[[str, int], None] = lambda _name, _code: None
        self.on_detach: Callable[[str], None] = lambda _exec: None
        self._loop.add_reader(control.fileno(), self._read)

    @classmethod
    def connect(cls, bundle: Path) -> Task:
        """The task whose shim serves in `bundle`. OSError if there is none."""
        control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        directory = os.open(bundle, os.O_PATH | os.O_DIRECTORY)
        try:
            control.connect(f"/proc/self/fd/{directory}/{SOCKET}")
        except OSError:
            control.close()
            raise
        finally:
            os.close(directory)
        control.setblocking(False)
        return cls(control)

    async def state(self) -> ShimState:
        return msgspec.convert(await self._request({"op": "state"}), ShimState)

    async def signal(self, number: int, exec_name: str = "") -> None:
        await self._request({"op": "signal", "signal": number, "exec": exec_name})

    async def resize(self, rows: int, columns: int, exec_name: str = "") -> None:
        await self._request({"op": "resize", "rows": rows, "columns": columns, "exec": exec_name})

    async def attach(self, client: socket.socket, attachment: Attachment) -> tuple[int, int]:
        """Hand `client` to the shim; the inode and size of the log where live output begins."""
        with client:
            reply = await self._request({"op": "attach", **attachment.request()}, (client.fileno(),))
        return reply["inode"], reply["size"]

    async def exec(
        self,
        name: str,
        argv: list[str],
        *,
        pid_file: str,
        log: str,
        terminal_socket: str,
        terminal: bool,
        size: tuple[int, int] | None,
        attachment: Attachment,
        client: socket.socket | None,
    ) -> int:
        """Add a process and give its pid; RuntimeFailed with the runtime's text if it cannot be started."""
        request = {
            "op": "exec",
            "exec": name,
            "argv": argv,
            "pid_file": pid_file,
            "log": log,
            "terminal_socket": terminal_socket,
            "terminal": terminal,
            "size": size,
            **attachment.request(),
        }
        if client is None:
            reply = await self._request(request)
        else:
            with client:
                reply = await self._request(request, (client.fileno(),))
        pid: int = reply["pid"]
        return pid

    async def call(self, argv: list[str], log: str) -> None:
        """Run another command of the runtime, such as pause; RuntimeFailed with its text if it fails."""
        reply = await self._request({"op": "call", "argv": argv, "log": log})
        if reply["code"]:
            raise RuntimeFailed(reply["output"] or f"{argv[0]} ended with status {reply['code']}")

    async def _request(self, request: dict[str, Any], descriptors: tuple[int, ...] = ()) -> dict[str, Any]:
        self._numbers += 1
        number = self._numbers
        reply = self._replies[number] = self._loop.create_future()
        try:
            protocol.send(self._control, {"n": number, **request}, descriptors)
        except OSError:
            del self._replies[number]
            raise ShimGone from None
        try:
            answer: dict[str, Any] = await reply
            return answer
        finally:
            self._replies.pop(number, None)

    def _read(self) -> None:
        try:
            packet = protocol.receive(self._control)
        except BlockingIOError:
            return
        except OSError:
            packet = None
        if packet is None:
            self.close()
            return
        message, _ = packet
        if "n" in message:
            reply = self._replies.get(message["n"])
            if reply and not reply.done():
                if "error" in message:
                    reply.set_exception(RuntimeFailed(message["error"]))
                else:
                    reply.set_result(message["ok"])
            return
        self._noticed(message)

    def _noticed(self, notice: dict[str, Any]) -> None:
        match notice["event"]:
            case "started" if not self.started.done():
                self.started.set_result((notice["pid"], notice["at"]))
            case "failed" if not self.started.done():
                self.started.set_exception(RuntimeFailed(notice["message"]))
            case "exited":
                self.on_exit(Ended(notice["code"], notice["at"], notice["oom_killed"]))
            case "exec-exited":
                self.on_exec_exit(notice["exec"], notice["code"])
            case "detached":
                self.on_detach(notice["exec"])

    def close(self) -> None:
        """Let go of the connection; the shim goes on. Whoever waits for an answer gets ShimGone."""
        if self.gone.done():
            return
        self._loop.remove_reader(self._control.fileno())
        self._control.close()
        for reply in self._replies.values():
            if not reply.done():
                reply.set_exception(ShimGone())
        if not self.started.done():
            self.started.set_exception(ShimGone())
            self.started.exception()
        self.gone.set_result(None)


def read_exit(path: Path) -> Ended | None:
    """The exit status a shim has left, or None if there is none or it is damaged."""
    try:
        status = json.loads(path.read_bytes())
        return Ended(status["code"], status["at"], status["oom_killed"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
