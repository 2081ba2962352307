"""One SQLite file for all records, its transactions and its migrations.

Knows connections, transactions and schema versions. Must not know what a row means: the owner of a table declares it
as a `Schema` and brings closures over a connection. SQLite runs in WAL mode with synchronous=FULL: a transaction that
has returned survives a power failure (https://sqlite.org/pragma.html#pragma_synchronous).

One connection serves everybody, behind a lock: a transaction takes a fraction of a millisecond, so a second connection
would buy nothing but SQLITE_BUSY.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from wherry import errors

T = TypeVar("T")
Connection = sqlite3.Connection


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of one owner. `migrations[n]` is SQL that leads from version n to n+1; only ever append to it."""

    owner: str
    migrations: tuple[str, ...]


class NewerSchema(errors.FailedPrecondition):
    def __init__(self, path: Path, owner: str, found: int, known: int) -> None:
        super().__init__(
            f"{path}: the tables of {owner!r} have version {found}, this wherry knows up to {known}",
            hint="run the newer wherry that wrote them, or choose another data root",
        )


class DamagedDatabase(errors.DataLoss):
    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}", hint="move the file away to start empty; images can be loaded again")


class DatabaseFull(errors.ResourceExhausted):
    """Nothing was written. Removing files may help; then the transaction can be tried again."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: no space left on the disk", hint="make room on the disk")


class Database:
    """Open with `Database.open`; `read` and `write` block and are for any thread, `awrite` is for the event loop."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._lock = threading.RLock()
        self._writer = concurrent.futures.ThreadPoolExecutor(max_workers=1, thread_name_prefix="state")

    @classmethod
    def open(cls, path: Path, schemas: Sequence[Schema]) -> Database:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute("CREATE TABLE IF NOT EXISTS schemas (owner TEXT PRIMARY KEY, version INTEGER NOT NULL)")
            database = cls(path, connection)
            for schema in schemas:
                database.write(lambda c, schema=schema: _migrate(c, path, schema))  # type: ignore[misc]
        except sqlite3.DatabaseError as error:
            connection.close()
            raise DamagedDatabase(path, str(error)) from error
        except BaseException:
            connection.close()
            raise
        return database

    def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """The result of `query`, which must not write."""
        with self._lock:
            return query(self._connection)

    def write(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Run `change` in one transaction; durable when this returns, undone if it raises."""
        with self._lock:
            connection = self._connection
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = change(connection)
                connection.execute("COMMIT")
            except BaseException as error:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode == sqlite3.SQLITE_FULL:
                    raise DatabaseFull(self.path) from error
                raise
            return result

    async def awrite(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """`write` on the writer thread. A caller that is cancelled does not stop the transaction."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, self.write, change)

    def close(self) -> None:
        self._writer.shutdown()
        with self._lock:
            self._connection.close()


def _migrate(connection: sqlite3.Connection, path: Path, schema: Schema) -> None:
    row = connection.execute("SELECT version FROM schemas WHERE owner = ?", (schema.owner,)).fetchone()
    version = row[0] if row else 0
    if version > len(schema.migrations):
        raise NewerSchema(path, schema.owner, version, len(schema.migrations))
    for migration in schema.migrations[version:]:
        for statement in migration.split(";"):
            if statement.strip():
                connection.execute(statement)
    connection.execute(
        "INSERT INTO schemas VALUES (?, ?) ON CONFLICT(owner) DO UPDATE SET version = excluded.version",
        (schema.owner, len(schema.migrations)),
    )
