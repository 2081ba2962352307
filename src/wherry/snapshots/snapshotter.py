"""Snapshots: file system trees that are built from one another. Start here to understand how wherry stores layers.

Knows the model, the interface and its errors. Must not know how trees are kept (that is `overlay` and `native`), nor
images, nor containers. `tests/support/snapshotter_contract.py` says the same as this text in tests, for every
snapshotter.

## The model

A snapshot is a directory tree with at most one *parent*. It is of one of three *kinds*:

    active      may be written to. Found by a *key*: a container's ID, or "unpack-…" while a layer comes in.
    committed   never changes again. Found by a *name*: the chain ID of its layers. Only committed ones can be parents.
    view        a parent as it is, read-only. Found by a key.

Keys and names share one space: a key that has become a name is a key no longer. A snapshot shows its parent's tree
plus its own changes; how it stores them is its snapshotter's business.

    prepare(key, parent) ──> active ──commit(name, key)──> committed ──> parent of others
    view(key, parent) ─────> view                              │
                               └───────── remove ──────────────┘   (refused while there are children)

A snapshotter makes trees and mounts nothing. It answers with `Mount` values; whoever runs a container makes the mounts
in a place of its own, and undoes them before it commits or removes. So the two never meet, and neither needs the other
in tests.

## Example: import two layers, run a container

The image has the layers A and B. Their chain IDs are A' = diffID(A) and B' = sha256(A' + " " + diffID(B)).

    mounts = snapshotter.prepare("unpack-A", parent=None)       an empty tree: [bind …/1/fs]
    …mount it, extract layer A, unmount…
    snapshotter.commit("A'", "unpack-A")

    mounts = snapshotter.prepare("unpack-B", parent="A'")       A, writable: [overlay lowerdir=1/fs, upperdir=2/fs …]
    …mount it, extract layer B with its deletions, unmount…
    snapshotter.commit("B'", "unpack-B")

    mounts = snapshotter.prepare("c0ffee…", parent="B'")        the container's root file system
    …mount, run, exit, unmount; a restart asks for `mounts("c0ffee…")` again…
    snapshotter.remove("c0ffee…")

Pulled again, the image costs nothing: `stat("B'")` says that it is there. A second image that starts with A shares A'.
(`snapshots.unpack` takes a shorter way where trees are stacked, see `Snapshotter.stacks`.)

## Promises

* Every operation is atomic: killed in the middle, it has happened or not. It may leave garbage that nothing
  refers to, and `reconcile` removes that at the next start.
* When `commit` returns, the tree and its name survive a power failure. The contents of active snapshots need not.
* All methods may be called from any thread. Calls on different keys do not wait for each other's disk.
* A missing tree is never silently an empty one.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import msgspec

from wherry import errors
from wherry.oci.mount import Mount


class Kind(enum.StrEnum):
    ACTIVE = "active"
    COMMITTED = "committed"
    VIEW = "view"


class Info(msgspec.Struct, frozen=True):
    """What is known without looking at the tree. `name` is the key until it is committed, `created` in ns."""

    kind: Kind
    name: str
    parent: str | None
    created: int


class Usage(msgspec.Struct, frozen=True):
    """What a snapshot holds of its own: the sizes of its files together, in bytes, and how many inodes it has."""

    bytes: int
    inodes: int


class Reconciled(msgspec.Struct, frozen=True):
    """What a start found amiss: trees that nothing refers to, now removed, and snapshots whose trees are gone."""

    removed: tuple[str, ...]
    lost: tuple[str, ...]


class SnapshotNotFound(errors.NotFound):
    def __init__(self, name: str) -> None:
        super().__init__(f"snapshot {name} does not exist")
        self.name = name


class SnapshotExists(errors.Conflict):
    def __init__(self, name: str) -> None:
        super().__init__(f"snapshot {name} exists already")
        self.name = name


class SnapshotInUse(errors.Conflict):
    def __init__(self, name: str, child: str) -> None:
        super().__init__(f"snapshot {name} cannot be removed: {child} is based on it", hint=f"remove {child} first")
        self.name, self.child = name, child


class WrongKind(errors.FailedPrecondition):
    """The operation is not for a snapshot of this kind: only active ones are written and committed, and so on."""

    def __init__(self, name: str, kind: Kind, wanted: str) -> None:
        super().__init__(f"snapshot {name} is {kind}, not {wanted}")
        self.name, self.kind, self.wanted = name, kind, wanted


class TreeMissing(errors.DataLoss):
    def __init__(self, name: str, needed_by: str) -> None:
        super().__init__(
            f"snapshot {needed_by} is damaged: the tree of {name} is missing",
            hint="remove the image and fetch it again",
        )
        self.name, self.needed_by = name, needed_by


class Snapshotter(Protocol):
    """A place for snapshots. Every method raises SnapshotNotFound for a name or a parent that does not exist."""

    @property
    def stacks(self) -> bool:
        """Whether a tree is kept as the difference to its parent, deletions in the form that overlayfs has for them.

        If so, a layer needs no parent to be extracted: it can be prepared without one, side by side with others, and
        gets its parent when it is committed.
        """
        ...

    def prepare(self, key: str, parent: str | None) -> list[Mount]:
        """Make an active snapshot of `parent`, or an empty one; its mounts. Raises SnapshotExists, WrongKind."""
        ...

    def view(self, key: str, parent: str) -> list[Mount]:
        """Make a read-only snapshot of `parent`; its mounts. Raises SnapshotExists, WrongKind."""
        ...

    def mounts(self, key: str) -> list[Mount]:
        """The mounts of an active snapshot or a view, as when it was made. Raises WrongKind, TreeMissing."""
        ...

    def trees(self, key: str) -> list[Path]:
        """The directories that make up a snapshot of any kind when they are stacked, topmost first. Raises TreeMissing.

        The first one of an active or committed snapshot is its own; all others belong to its parents.
        """
        ...

    def commit(self, name: str, key: str, parent: str | None = None) -> None:
        """Turn the active snapshot `key`, which must not be mounted any more, into the committed one `name`.

        `parent` is for snapshotters that stack and for snapshots prepared without one. Raises SnapshotExists,
        WrongKind.
        """
        ...

    def remove(self, key: str) -> None:
        """Remove a snapshot of any kind, which must not be mounted any more. Raises SnapshotInUse if it is a parent."""
        ...

    def stat(self, key: str) -> Info: ...

    def usage(self, key: str) -> Usage:
        """What the snapshot holds of its own; counted anew for active ones."""
        ...

    def walk(self) -> Iterator[Info]:
        """All snapshots, in the order in which they were made."""
        ...

    def reconcile(self) -> Reconciled:
        """Clean up after a crash. To be called once, before anything else."""
        ...
