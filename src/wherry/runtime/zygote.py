"""The daemon's end of the zygote: spawning it, and having it fork shims.

Knows the process and its socket. Must not know what a shim does.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from wherry.shim import __name__ as _shim_package
from wherry.shim import protocol
from wherry.shim.job import Job

_ENTRY = Path(sys.modules[_shim_package].__path__[0]) / "__main__.py"


class Zygote:
    """Make it with `spawn` before the first thread; it is made anew if it has died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._turn = asyncio.Lock()

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def spawn(self) -> None:
        """Start the process. Its end of the socket is the only descriptor it gets beside standard error."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_ENTRY), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd="/",
                env={"PATH": os.environ.get("PATH", os.defpath)},
            )
        self._socket = ours

    async def fork_shim(self, job: Job, early: list[tuple[socket.socket, dict[str, Any]]]) -> socket.socket:
        """Have a shim made for `job`; the control socket to it. Its end closes at once if that fails.

        `early` are attached clients, each with its attach request; the shim takes over their sockets.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        message = {"job": vars(job), "early": [request for _, request in early]}
        descriptors = (theirs.fileno(), *(client.fileno() for client, _ in early))
        with theirs:
            async with self._turn:
                await self._send(message, descriptors)
        for client, _ in early:
            client.close()
        return ours

    async def _send(self, message: protocol.Message, descriptors: tuple[int, ...]) -> None:
        while True:
            if self._socket is None:
                self.spawn()
            assert self._socket is not None
            try:
                protocol.send(self._socket, message, descriptors)
                return
            except BlockingIOError:
                await _writable(self._socket)
            except (BrokenPipeError, ConnectionResetError):
                self.close()

    def close(self) -> None:
        """End the zygote; shims live on."""
        if self._socket:
            self._socket.close()
            self._socket = None
        if self._process:
            self._process.wait()
            self._process = None


async def _writable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_writer(sock.fileno(), lambda: _resolve(ready))
    try:
        await ready
    finally:
        loop.remove_writer(sock.fileno())


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
