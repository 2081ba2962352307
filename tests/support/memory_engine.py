"""An engine without processes: real containers, names, events and database; a start only changes the phase.

For tests of edges. A container echoes its stdin to stdout, in frames unless it has a terminal. What it does not
have, a route that needs it fails on.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec

from wherry import errors
from wherry.api import types as api
from wherry.engine import containers, names
from wherry.engine.attach import Attached
from wherry.engine.containers import Container, Containers
from wherry.engine.events import Events
from wherry.engine.exec import NoSuchExec
from wherry.engine.lifecycle import InvalidCondition, StillRunning
from wherry.engine.logs import LogOptions, NoStreamChosen
from wherry.engine.machine import ALIVE, Phase, State
from wherry.engine.publish import Publisher
from wherry.engine.records import Exit, Record
from wherry.images.image import NoSuchImage
from wherry.images.progress import Progress, Report
from wherry.oci import reference
from wherry.state.database import Database

IMAGE_ID = "sha256:" + "b" * 64


class Lifecycle:
    def __init__(self, known: Containers, publish: Publisher) -> None:
        self._known = known
        self._publish = publish

    async def _set(self, container: Container, **changes: Any) -> None:
        state = msgspec.structs.replace(container.state, **changes)
        await self._known.save(container, msgspec.structs.replace(container.record, state=state))

    async def start(self, container: Container) -> bool:
        if container.state.phase in ALIVE:
            return False
        await self._set(container, phase=Phase.RUNNING, pid=1, started_at=container.record.created + 1)
        self._publish.container(container.record, "start")
        return True

    async def stop(self, container: Container, timeout: int | None = None, signal: str | None = None) -> bool:
        if container.state.phase not in ALIVE:
            return False
        code = 7 if signal == "SIGUSR1" else 0
        finished = container.record.created + 2 + (timeout or 0)
        await self._set(container, phase=Phase.EXITED, pid=0, exit_code=code, finished_at=finished)
        self._publish.container(container.record, "die", exitCode=str(code))
        container.announce_exit()
        return True

    async def remove(self, container: Container, *, force: bool = False, volumes: bool = False) -> None:
        del volumes
        if container.state.phase in ALIVE and not force:
            raise StillRunning(container.record.name, "container is running")
        await self._known.delete(container)
        container.announce_removal()

    def wait(self, container: Container, condition: str) -> asyncio.Future[Exit]:
        if condition not in ("", "not-running", "next-exit", "removed"):
            raise InvalidCondition(condition)
        return container.removal() if condition == "removed" else container.next_exit()


class Attach:
    async def open(self, container: Container, *, replay: bool = False, **_wanted: object) -> Attached:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        self._echo = asyncio.create_task(_echo(theirs, framed=not container.record.terminal))
        return Attached(ours, _once(b"replayed") if replay else None)


async def _once(piece: bytes) -> AsyncIterator[bytes]:
    yield piece


async def _echo(sock: socket.socket, *, framed: bool) -> None:
    loop = asyncio.get_running_loop()
    with sock:
        while data := await loop.sock_recv(sock, 65536):
            head = b"\x01\0\0\0" + len(data).to_bytes(4, "big") if framed else b""
            await loop.sock_sendall(sock, head + data)
        await loop.sock_sendall(sock, b"\x01\0\0\0\0\0\0\x03eof" if framed else b"eof")


class Logs:
    def read(self, _container: Container, options: LogOptions) -> AsyncIterator[bytes]:
        if not options.stdout and not options.stderr:
            raise NoStreamChosen
        return self._read()

    async def _read(self) -> AsyncIterator[bytes]:
        yield b"\x01\0\0\0\0\0\0\x03one"
        raise OSError("the disk has gone")


class Images:
    def resolve(self, text: str) -> Any:
        if not text.startswith("busybox"):
            raise NoSuchImage(reference.parse(text))
        return SimpleNamespace(id=IMAGE_ID)

    async def load(self, chunks: AsyncIterator[bytes], report: Report, platform: str = "") -> None:
        data = b"".join([chunk async for chunk in chunks])
        if data == b"bad":
            raise errors.InvalidArgument("invalid archive: does not contain a manifest.json")
        await asyncio.to_thread(report, Progress(stream="Loaded image: busybox:1\n"))
        if data == b"torn":
            raise errors.InvalidArgument("unexpected EOF")


class Execs:
    """There is one exec, `broken`, and it cannot be executed."""

    def of(self, _container: Container) -> list[str]:
        return []

    def inspect(self, identifier: str) -> Any:
        if identifier != "broken":
            raise NoSuchExec(identifier)
        return SimpleNamespace(terminal=False)

    async def start(self, identifier: str, **_wanted: object) -> None:
        raise errors.InvalidArgument(f"OCI runtime exec failed: {identifier}: no such file or directory")


class MemoryEngine:
    storage_driver = "memory"

    def __init__(self, directory: Path) -> None:
        database = Database.open(directory / "state.db", [containers.TABLES])
        self.events = Events()
        self.containers = Containers(database)
        self._publish = Publisher(self.events)
        self.lifecycle = Lifecycle(self.containers, self._publish)
        self.attach = Attach()
        self.logs = Logs()
        self.images = Images()
        self.execs = Execs()
        self.close = database.close
        self.clock = 1700000000 * 10**9

    async def create(self, request: api.ContainerCreateRequest, name: str | None, platform: str | None) -> Any:
        del platform
        image = request.image if isinstance(request.image, str) else ""
        identifier = names.new_id()
        self.clock += 1
        members = {field: getattr(request, field) for field in api.ContainerConfig.__struct_fields__}
        record = Record(
            id=identifier,
            name=self.containers.reserve(identifier, name),
            created=self.clock,
            image=image,
            image_id=self.images.resolve(image).id,
            config=api.ContainerConfig(**members),
            host=request.host_config if isinstance(request.host_config, api.HostConfig) else api.HostConfig(),
            networks={},
            path="true",
            args=(),
            runtime="runc",
            directory=f"/nowhere/{identifier}",
            state=State(),
        )
        await self.containers.add(record)
        self._publish.container(record, "create")
        return SimpleNamespace(id=identifier, warnings=[])

    async def prune(self, match: Callable[[Record], bool]) -> Any:
        gone = [c for c in self.containers if c.state.phase not in ALIVE and match(c.record)]
        for container in gone:
            await self.lifecycle.remove(container)
        return SimpleNamespace(ids=tuple(c.record.id for c in gone), space=0)

    async def disk_usage(self, _record: Record) -> tuple[int, int]:
        return 1, 2
