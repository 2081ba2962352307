"""The table of snapshots and the directories they own: what `overlay` and `native` have in common.

Knows rows, directories and the order in which they come and go. Must not know what is in a directory, nor mounts.

    <root>/<n>/        the directory of the row with dir = n; the numbers are short since overlayfs takes a page of them

The row decides. A directory is made before its row and removed after it, so after a crash there may be directories
without rows, which `reconcile` removes, and never rows without directories; if there is one, the disk has lost it, and
it is forgotten so that the layer can be unpacked again. Its children stay: parents are found by name, a new one makes
them whole.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from wherry import faults
from wherry.linux import syscalls
from wherry.snapshots.snapshotter import (
    Info,
    Kind,
    Reconciled,
    SnapshotExists,
    SnapshotInUse,
    SnapshotNotFound,
    TreeMissing,
    Usage,
    WrongKind,
)
from wherry.state import files
from wherry.state.database import Connection, Database, DatabaseFull, Schema

SCHEMA = Schema(
    "snapshots",
    (
        """
        CREATE TABLE snapshots (
            name TEXT PRIMARY KEY, kind TEXT NOT NULL, parent TEXT, dir INTEGER NOT NULL UNIQUE,
            created INTEGER NOT NULL, bytes INTEGER, inodes INTEGER
        );
        CREATE INDEX snapshots_by_parent ON snapshots (parent)
        """,
    ),
)
_SELECT = "SELECT name, kind, parent, dir, created FROM snapshots "


class Row(msgspec.Struct, frozen=True):
    name: str
    kind: Kind
    parent: str | None
    directory: Path
    created: int

    @property
    def info(self) -> Info:
        return Info(self.kind, self.name, self.parent, self.created)


class Catalogue:
    def __init__(self, root: Path, database: Database) -> None:
        self.root = root
        self._database = database
        self._lock = threading.Lock()
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        rows = database.read(lambda c: c.execute("SELECT dir FROM snapshots").fetchall())
        self._last = max([0, *(row[0] for row in rows), *(int(name) for name in os.listdir(root) if name.isdecimal())])

    def add(self, key: str, kind: Kind, parent: str | None, fill: Callable[[Path, Row | None], None]) -> Row:
        """Make a directory, have it filled, given the parent's row, and make its row."""
        self._check_addition(key, parent)
        directory = self._make_directory()
        try:
            fill(directory, self.get(parent) if parent is not None else None)
            faults.hit("snapshot:before-row")
            row = Row(key, kind, parent, directory, time.time_ns())
            self._database.write(lambda connection: _insert(connection, row))
        except BaseException:
            files.remove_tree(directory)
            raise
        return row

    def get(self, key: str) -> Row:
        found = self._database.read(lambda c: c.execute(_SELECT + "WHERE name = ?", (key,)).fetchone())
        if found is None:
            raise SnapshotNotFound(key)
        return self._row(found)

    def rows(self) -> list[Row]:
        """All rows, oldest first."""
        found = self._database.read(lambda c: c.execute(_SELECT + "ORDER BY dir").fetchall())
        return [self._row(each) for each in found]

    def ancestors(self, row: Row) -> list[Row]:
        """The parents of a snapshot, nearest first. Raises TreeMissing if one of them is no longer known."""
        found: list[Row] = []
        parent = row.parent
        while parent is not None:
            try:
                ancestor = self.get(parent)
            except SnapshotNotFound:
                raise TreeMissing(parent, row.name) from None
            found.append(ancestor)
            parent = ancestor.parent
        return found

    def commit(self, name: str, key: str, parent: str | None) -> Row:
        """Make a tree durable, then rename its row and make it committed."""
        _sync(self.get(key).directory)
        faults.hit("snapshot:before-commit")

        def change(connection: Connection) -> None:
            old = _kind(connection, key)
            if old != Kind.ACTIVE:
                raise WrongKind(key, old, Kind.ACTIVE)
            if _exists(connection, name):
                raise SnapshotExists(name)
            if parent is not None:
                _require_committed(connection, parent)
            connection.execute(
                "UPDATE snapshots SET name = ?, kind = ?, parent = ifnull(?, parent) WHERE name = ?",
                (name, Kind.COMMITTED, parent, key),
            )

        self._database.write(change)
        return self.get(name)

    def remove(self, key: str) -> None:
        """Forget a row, then remove its directory; the other way round on a full disk, which has no room to forget."""
        row = self.get(key)

        def change(connection: Connection) -> None:
            child = connection.execute("SELECT name FROM snapshots WHERE parent = ?", (key,)).fetchone()
            if child:
                raise SnapshotInUse(key, child[0])
            connection.execute("DELETE FROM snapshots WHERE name = ?", (key,))

        try:
            self._database.write(change)
        except DatabaseFull:
            removed = row.directory.with_suffix(".removed")
            row.directory.rename(removed)
            files.remove_tree(removed)
            self._database.write(change)
        faults.hit("snapshot:before-directory-removal")
        files.remove_tree(row.directory)

    def usage(self, key: str, measure: Callable[[Path], Usage]) -> Usage:
        """Measured once for committed snapshots, each time for others."""
        row = self.get(key)
        query = "SELECT bytes, inodes FROM snapshots WHERE name = ? AND bytes IS NOT NULL"
        known = self._database.read(lambda c: c.execute(query, (key,)).fetchone())
        if known:
            return Usage(*known)
        usage = measure(row.directory)
        if row.kind is Kind.COMMITTED:
            update = "UPDATE snapshots SET bytes = ?, inodes = ? WHERE name = ?"
            self._database.write(lambda c: c.execute(update, (usage.bytes, usage.inodes, key)))
        return usage

    def reconcile(self) -> Reconciled:
        """Remove directories without rows and rows without directories."""
        rows = {row.directory: row for row in self.rows()}
        present = set(self.root.iterdir())
        garbage = sorted(present - rows.keys())
        for directory in garbage:
            files.remove_tree(directory)
        lost = tuple(row.name for directory, row in rows.items() if directory not in present)
        forget = "DELETE FROM snapshots WHERE name = ?"
        self._database.write(lambda c: c.executemany(forget, [(name,) for name in lost]))
        return Reconciled(tuple(directory.name for directory in garbage), lost)

    def _check_addition(self, key: str, parent: str | None) -> None:
        def check(connection: Connection) -> None:
            if _exists(connection, key):
                raise SnapshotExists(key)
            if parent is not None:
                _require_committed(connection, parent)

        self._database.read(check)

    def _make_directory(self) -> Path:
        with self._lock:
            self._last += 1
            directory = self.root / str(self._last)
            directory.mkdir(mode=0o700)
        return directory

    def _row(self, found: tuple[str, str, str | None, int, int]) -> Row:
        name, kind, parent, number, created = found
        return Row(name, Kind(kind), parent, self.root / str(number), created)


def _sync(directory: Path) -> None:
    """Write out the file system: a tree may have a hundred thousand files, too many to sync one by one."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        syscalls.syncfs(fd)
    finally:
        os.close(fd)


def _insert(connection: Connection, row: Row) -> None:
    if _exists(connection, row.name):
        raise SnapshotExists(row.name)
    if row.parent is not None:
        _require_committed(connection, row.parent)
    connection.execute(
        "INSERT INTO snapshots (name, kind, parent, dir, created) VALUES (?, ?, ?, ?, ?)",
        (row.name, row.kind, row.parent, int(row.directory.name), row.created),
    )


def _exists(connection: Connection, name: str) -> bool:
    return connection.execute("SELECT 1 FROM snapshots WHERE name = ?", (name,)).fetchone() is not None


def _kind(connection: Connection, name: str) -> Kind:
    found = connection.execute("SELECT kind FROM snapshots WHERE name = ?", (name,)).fetchone()
    if found is None:
        raise SnapshotNotFound(name)
    return Kind(found[0])


def _require_committed(connection: Connection, parent: str) -> None:
    kind = _kind(connection, parent)
    if kind is not Kind.COMMITTED:
        raise WrongKind(parent, kind, Kind.COMMITTED)
