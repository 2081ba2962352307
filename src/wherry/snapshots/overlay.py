"""Snapshots as layers of overlayfs: each tree is the difference to its parent.

Knows the options of overlayfs and the form that it gives deletions (see `whiteouts`). Must not know rows and their
order: that is `catalogue`. Described in Documentation/filesystems/overlayfs.rst of the kernel.

    <root>/<n>/fs      the changes: what the layer's archive said, or what the container wrote
    <root>/<n>/work    overlayfs' own, for active snapshots only; on the same file system as fs

    one tree, no parent:  bind of fs                               read-write if active, read-only for a view
    active on parents:    lowerdir=<nearest>:…:<farthest>, upperdir=fs, workdir=work
    view of parents:      lowerdir only, which is read-only by nature

Trees are never merged with `redirect_dir` or `metacopy`: with them an upper directory would refer to its lower ones in
attributes that nothing outside the kernel can read, and layers could not be written from it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from wherry import errors
from wherry.oci.mount import Mount
from wherry.snapshots.catalogue import Catalogue, Row
from wherry.snapshots.disk_usage import measure
from wherry.snapshots.snapshotter import Info, Kind, Reconciled, TreeMissing, Usage, WrongKind
from wherry.state import files
from wherry.state.database import Database

_ALWAYS = ("index=off", "redirect_dir=nofollow", "metacopy=off")


class Overlay:
    """A `Snapshotter` over directories below `root`, with its rows in `database` (which needs `catalogue.SCHEMA`)."""

    stacks = True

    def __init__(self, root: Path, database: Database) -> None:
        if set(str(root)) & set(":,\\"):
            raise errors.InvalidArgument(f"{root} cannot hold snapshots: overlayfs takes : , and \\ for separators")
        self._catalogue = Catalogue(root, database)

    def prepare(self, key: str, parent: str | None) -> list[Mount]:
        return self._mounts(self._catalogue.add(key, Kind.ACTIVE, parent, _make_active))

    def view(self, key: str, parent: str) -> list[Mount]:
        return self._mounts(self._catalogue.add(key, Kind.VIEW, parent, _make_nothing))

    def mounts(self, key: str) -> list[Mount]:
        row = self._catalogue.get(key)
        if row.kind is Kind.COMMITTED:
            raise WrongKind(key, row.kind, "active or a view")
        return self._mounts(row)

    def commit(self, name: str, key: str, parent: str | None = None) -> None:
        row = self._catalogue.commit(name, key, parent)
        files.remove_tree(row.directory / "work")

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
        return self._trees(self._catalogue.get(key))

    def _trees(self, row: Row) -> list[Path]:
        rows = self._catalogue.ancestors(row)
        if row.kind is not Kind.VIEW:
            rows.insert(0, row)
        for each in rows:
            if not (each.directory / "fs").is_dir():
                raise TreeMissing(each.name, row.name)
        return [each.directory / "fs" for each in rows]

    def _mounts(self, row: Row) -> list[Mount]:
        trees = self._trees(row)
        writable = row.kind is not Kind.VIEW
        if len(trees) == 1:
            return [Mount("bind", str(trees[0]), options=("rbind", "rw" if writable else "ro"))]
        layers = []
        if writable:
            upper = trees.pop(0)
            layers = [f"upperdir={upper}", f"workdir={row.directory / 'work'}"]
        lower = "lowerdir=" + ":".join(map(str, trees))
        return [Mount("overlay", "overlay", options=(lower, *layers, *_ALWAYS, "rw" if writable else "ro"))]


def _make_active(directory: Path, parent: Row | None) -> None:
    """The root directory looks as the topmost layer has it: it is the parent's until the new tree changes it."""
    upper = directory / "fs"
    for new in (upper, directory / "work"):
        new.mkdir()
        new.chmod(0o755)
    if parent:
        below = parent.directory / "fs"
        found = below.stat()
        os.chown(upper, found.st_uid, found.st_gid)
        shutil.copystat(below, upper)


def _make_nothing(directory: Path, parent: Row | None) -> None:
    """A view has no changes."""
