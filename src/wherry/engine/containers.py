"""All containers: their records in the database, the same in memory, and what is live about each.

Knows records, names and how to find one. Must not know what a phase change does. Memory is the truth for reading, so
listing takes no lock and one stuck container never blocks `ps`; the database is the truth after a restart, and every
change is durable before it is visible.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator

import msgspec

from wherry import errors
from wherry.engine import names
from wherry.engine.machine import State
from wherry.engine.records import SCHEMA, Exit, Record
from wherry.runtime.task import Attachment, Task
from wherry.state.database import Connection, Database, Schema

TABLES = Schema(
    "containers",
    ("CREATE TABLE containers (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, record BLOB NOT NULL) WITHOUT ROWID",),
)


class NewerRecord(errors.FailedPrecondition):
    def __init__(self, container: str, found: int) -> None:
        super().__init__(
            f"the record of container {container} has version {found}, this wherry knows up to {SCHEMA}",
            hint="run the newer wherry that wrote it",
        )


class Container:
    """One container. `record` is replaced, never changed; `turn` is held by whoever moves it to another phase."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.turn = asyncio.Lock()
        self.task: Task | None = None
        self.early: list[tuple[socket.socket, Attachment]] = []
        """Clients attached before the start, to be handed to the shim."""
        self.timer: asyncio.TimerHandle | None = None
        self.keep = False
        """A restart by a user is going on: its end is not the end of an AutoRemove container."""
        self._exits: list[asyncio.Future[Exit]] = []
        self._removals: list[asyncio.Future[Exit]] = []

    @property
    def state(self) -> State:
        return self.record.state

    def next_exit(self) -> asyncio.Future[Exit]:
        """Resolves at the end of the run that goes on or comes next."""
        return self._register(self._exits)

    def removal(self) -> asyncio.Future[Exit]:
        """Resolves when the container is gone, with its last exit."""
        return self._register(self._removals)

    def _register(self, waiting: list[asyncio.Future[Exit]]) -> asyncio.Future[Exit]:
        future: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
        waiting.append(future)
        future.add_done_callback(lambda done: _forget(waiting, done))
        return future

    def announce_exit(self) -> None:
        _resolve(self._exits, Exit(self.state.exit_code, self.state.error))

    def announce_removal(self) -> None:
        exit_ = Exit(self.state.exit_code, self.state.error)
        _resolve(self._exits, exit_)
        _resolve(self._removals, exit_)

    def drop_early(self) -> None:
        """Nobody will serve the clients that came before the start: let them go."""
        for sock, _ in self.early:
            sock.close()
        self.early.clear()

    def cancel_timer(self) -> None:
        if self.timer:
            self.timer.cancel()
            self.timer = None


class Containers:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._by_id: dict[str, Container] = {}
        self._ids: dict[str, str] = {}
        """Names, without slash, to ids: reserved before the container is there."""

    def load(self) -> None:
        """Read all records: once, before anything else."""
        rows = self._database.read(lambda c: c.execute("SELECT id, record FROM containers").fetchall())
        for identifier, blob in rows:
            record = msgspec.json.decode(blob, type=Record)
            if record.schema > SCHEMA:
                raise NewerRecord(identifier, record.schema)
            self._by_id[record.id] = Container(record)
            self._ids[record.name] = record.id

    def __iter__(self) -> Iterator[Container]:
        return iter(list(self._by_id.values()))

    def __len__(self) -> int:
        return len(self._by_id)

    def records(self) -> list[Record]:
        """Newest first."""
        return sorted((c.record for c in self._by_id.values()), key=lambda record: record.created, reverse=True)

    def find(self, reference: str) -> Container:
        """By id, name or beginning of an id: NoSuchContainer, AmbiguousPrefix."""
        container = self._by_id.get(names.resolve(reference, self._by_id, self._ids))
        if container is None:
            raise names.NoSuchContainer(reference)
        return container

    def reserve(self, identifier: str, name: str | None) -> str:
        """Take a name, or a generated one, for a container to come: InvalidName, NameInUse."""
        chosen = names.generate(self._ids) if name is None else names.check(name)
        owner = self._ids.setdefault(chosen, identifier)
        if owner != identifier:
            raise names.NameInUse(chosen, owner)
        return chosen

    def release(self, name: str) -> None:
        """Give a reserved name back."""
        self._ids.pop(name, None)

    async def add(self, record: Record) -> Container:
        blob = msgspec.json.encode(record)
        await self._database.awrite(
            lambda c: c.execute("INSERT INTO containers VALUES (?, ?, ?)", (record.id, record.name, blob))
        )
        container = self._by_id[record.id] = Container(record)
        return container

    async def save(self, container: Container, record: Record) -> None:
        """Replace a record. The database first: what a reader can see has survived."""
        await self._database.awrite(_update(record))
        old = container.record
        container.record = record
        if old.name != record.name:
            self.release(old.name)

    async def delete(self, container: Container) -> None:
        identifier = container.record.id
        await self._database.awrite(lambda c: c.execute("DELETE FROM containers WHERE id = ?", (identifier,)))
        self._by_id.pop(identifier, None)
        self.release(container.record.name)


def _update(record: Record) -> Callable[[Connection], object]:
    values = (record.name, msgspec.json.encode(record), record.id)
    return lambda c: c.execute("UPDATE containers SET name = ?, record = ? WHERE id = ?", values)


def _forget(waiting: list[asyncio.Future[Exit]], future: asyncio.Future[Exit]) -> None:
    if future in waiting:
        waiting.remove(future)


def _resolve(waiting: list[asyncio.Future[Exit]], exit_: Exit) -> None:
    for future in list(waiting):
        if not future.done():
            future.set_result(exit_)
