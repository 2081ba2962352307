"""Snapshots as plain copies, for file systems that overlayfs cannot use.

Knows copying. Must not know rows and their order: that is `catalogue`. A snapshot costs the time and, unless the file
system can share blocks, the space of its whole tree; in return it can be mounted anywhere, and needs no kernel support
at all.

    <root>/<n>/fs      the whole tree: the parent's files, copied, with the changes applied to them
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from wherry.oci.mount import Mount
from wherry.snapshots.catalogue import Catalogue, Row
from wherry.snapshots.copying import copy_tree
from wherry.snapshots.disk_usage import measure
from wherry.snapshots.snapshotter import Info, Kind, Reconciled, TreeMissing, Usage, WrongKind
from wherry.state.database import Database


class Native:
    """A `Snapshotter` over directories below `root`, with its rows in `database` (which needs `catalogue.SCHEMA`)."""

    stacks = False

    def __init__(self, root: Path, database: Database) -> None:
        self._catalogue = Catalogue(root, database)

    def prepare(self, key: str, parent: str | None) -> list[Mount]:
        return self._mounts(self._catalogue.add(key, Kind.ACTIVE, parent, _copy_parent))

    def view(self, key: str, parent: str) -> list[Mount]:
        return self._mounts(self._catalogue.add(key, Kind.VIEW, parent, _copy_nothing))

    def mounts(self, key: str) -> list[Mount]:
        row = self._catalogue.get(key)
        if row.kind is Kind.COMMITTED:
            raise WrongKind(key, row.kind, "active or a view")
        return self._mounts(row)

    def commit(self, name: str, key: str, parent: str | None = None) -> None:
        self._catalogue.commit(name, key, parent)

    def remove(self, key: str) -> None:
        self._catalogue.remove(key)

    def stat(self, key: str) -> Info:
        return self._catalogue.get(key).info

    def usage(self, key: str) -> Usage:
        return self._catalogue.usage(key, measure)

    def walk(self) -> Iterator[Info]:
        return (row.info for row in self._catalogue.rows())

    def reconcile(self) -> Reconciled:
        return self._catalogue.reconcile()

    def trees(self, key: str) -> list[Path]:
        return [self._tree(self._catalogue.get(key))]

    def _tree(self, row: Row) -> Path:
        shown = self._catalogue.ancestors(row)[0] if row.kind is Kind.VIEW else row
        tree = shown.directory / "fs"
        if not tree.is_dir():
            raise TreeMissing(shown.name, row.name)
        return tree

    def _mounts(self, row: Row) -> list[Mount]:
        return [Mount("bind", str(self._tree(row)), options=("rbind", "ro" if row.kind is Kind.VIEW else "rw"))]


def _copy_parent(directory: Path, parent: Row | None) -> None:
    tree = directory / "fs"
    if parent:
        copy_tree(parent.directory / "fs", tree)
    else:
        tree.mkdir()
        tree.chmod(0o755)


def _copy_nothing(directory: Path, parent: Row | None) -> None:
    """A view shows its parent's own tree."""
