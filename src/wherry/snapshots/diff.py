"""Layers out: what a snapshot has changed, as a list and as an archive; and whole trees as archives.

Knows the archive form of deletions. Must not know compression: the sink may be a `compression.LayerWriter`. See
layer.md of the OCI image specification.

    writer = LayerWriter(blob)                        changes(snapshotter, "c0ffee…")
    write_layer(snapshotter, "c0ffee…", writer)           A /root/.ash_history
    writer.close()                                        C /root
                                                          D /etc/motd

The same tree gives the same bytes: names in order, owners by number, times in whole seconds as Docker writes them.
"""

from __future__ import annotations

import enum
import os
import stat
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from wherry.snapshots import stacked, whiteouts
from wherry.snapshots.snapshotter import Snapshotter
from wherry.snapshots.tar import BLOCK, CHARACTER, DIRECTORY, FIFO, FILE, LINK, SYMLINK, Entry, Writer
from wherry.snapshots.walking import Node, walk

if TYPE_CHECKING:
    from wherry.snapshots.tar.writer import Sink

_KINDS = {
    stat.S_IFREG: FILE,
    stat.S_IFDIR: DIRECTORY,
    stat.S_IFLNK: SYMLINK,
    stat.S_IFCHR: CHARACTER,
    stat.S_IFBLK: BLOCK,
    stat.S_IFIFO: FIFO,
}
_SECOND = 1_000_000_000
_PIECE = 1 << 20


class ChangeKind(enum.StrEnum):
    """The letters of `docker diff`."""

    CHANGED = "C"
    ADDED = "A"
    DELETED = "D"


class Change(msgspec.Struct, frozen=True):
    kind: ChangeKind
    path: str


class _Difference:
    """One path in which a snapshot differs from its parents; deleted if there is no `node`."""

    __slots__ = ("before", "node", "opaque", "path")

    def __init__(self, path: str, node: Node | None, before: stacked.Found | None, *, opaque: bool = False) -> None:
        self.path = path
        self.node = node
        self.before = before
        self.opaque = opaque


def changes(snapshotter: Snapshotter, key: str) -> list[Change]:
    """What a snapshot has changed, by path. The root itself is not mentioned."""
    return sorted(_changes(snapshotter, key), key=lambda change: change.path)


def _changes(snapshotter: Snapshotter, key: str) -> Iterator[Change]:
    for difference in _differences(snapshotter, key):
        path = "/" + difference.path
        if difference.node is None:
            if difference.before:
                yield Change(ChangeKind.DELETED, path)
        elif difference.path:
            yield Change(ChangeKind.CHANGED if difference.before else ChangeKind.ADDED, path)


def write_layer(snapshotter: Snapshotter, key: str, sink: Sink) -> None:
    """Write what a snapshot has changed as the archive of a layer."""
    with Writer(sink) as writer:
        linked: dict[tuple[int, int], str] = {}
        for difference in _differences(snapshotter, key):
            if difference.node is None:
                directory, _, name = difference.path.rpartition("/")
                _write_whiteout(writer, directory, whiteouts.PREFIX + name)
                continue
            _write_node(writer, difference.node, linked)
            if difference.opaque:
                _write_whiteout(writer, difference.path, whiteouts.OPAQUE)


def write_tree(root: Path, sink: Sink) -> None:
    """Write all that is below a directory, as `docker export` does: without an entry for the directory itself."""
    with Writer(sink) as writer:
        linked: dict[tuple[int, int], str] = {}
        for node in walk(root):
            if node.path:
                _write_node(writer, node, linked)


def _differences(snapshotter: Snapshotter, key: str) -> Iterator[_Difference]:
    trees = snapshotter.trees(key)
    if snapshotter.stacks:
        return _stacked_differences(trees[0], trees[1:])
    parent = snapshotter.stat(key).parent
    return _compared_differences(trees[0], snapshotter.trees(parent) if parent is not None else [])


def _stacked_differences(tree: Path, parents: list[Path]) -> Iterator[_Difference]:
    """Everything in the topmost tree is a difference."""
    for node in walk(tree):
        before = stacked.find(parents, node.path)
        if not node.path:
            if before is None or _is_changed_root(node.status, before.status):
                yield _Difference("", node, before)
        elif whiteouts.is_whiteout(node.status):
            yield _Difference(node.path, None, before)
        else:
            hides = node.is_directory and before is not None and before.is_directory
            yield _Difference(node.path, node, before, opaque=hides and whiteouts.is_opaque(node.location))


def _compared_differences(tree: Path, parents: list[Path]) -> Iterator[_Difference]:
    """A whole tree against another one. Directories on the way to a difference differ too, as they do when stacked."""
    deleted: dict[str, None] = {}
    for parent in parents:
        for node in walk(parent):
            if not any(path in deleted for path in _above(node.path)) and stacked.find([tree], node.path) is None:
                deleted[node.path] = None
    changed = {node.path for node in walk(tree) if _is_changed(node, stacked.find(parents, node.path))}
    on_the_way = {above for path in (*changed, *deleted) for above in _above(path)}
    for node in walk(tree):
        if node.path in changed or node.path in on_the_way:
            yield _Difference(node.path, node, stacked.find(parents, node.path))
    for path in deleted:
        yield _Difference(path, None, stacked.find(parents, path))


def _above(path: str) -> Iterator[str]:
    """The directories on the way to a path, without the root."""
    return (path[:end] for end, letter in enumerate(path) if letter == "/")


def _is_changed(node: Node, before: stacked.Found | None) -> bool:
    if before is None:
        return True
    if not node.path:
        return _is_changed_root(node.status, before.status)
    return _fingerprint(node.status) != _fingerprint(before.status)


def _is_changed_root(now: os.stat_result, before: os.stat_result) -> bool:
    return (now.st_mode, now.st_uid, now.st_gid) != (before.st_mode, before.st_uid, before.st_gid)


def _fingerprint(status: os.stat_result) -> tuple[int, ...]:
    size = 0 if stat.S_ISDIR(status.st_mode) else status.st_size
    return status.st_mode, status.st_uid, status.st_gid, status.st_rdev, size, status.st_mtime_ns


def _write_whiteout(writer: Writer, directory: str, name: str) -> None:
    writer.add(Entry(f"{directory}/{name}" if directory else name, FILE, mode=0))


def _write_node(writer: Writer, node: Node, linked: dict[tuple[int, int], str]) -> None:
    """Write an entry; nothing for sockets, which no archive can hold."""
    status = node.status
    kind = _KINDS.get(stat.S_IFMT(status.st_mode))
    if kind is None:
        return
    name = (node.path or ".") + "/" if kind == DIRECTORY else node.path
    entry = Entry(
        name,
        kind,
        mode=stat.S_IMODE(status.st_mode),
        uid=status.st_uid,
        gid=status.st_gid,
        mtime=status.st_mtime_ns // _SECOND * _SECOND,
        xattrs=node.attributes(),
    )
    identity = status.st_dev, status.st_ino
    if kind != DIRECTORY and status.st_nlink > 1 and identity in linked:
        entry.kind, entry.target, entry.xattrs = LINK, linked[identity], None
        writer.add(entry)
    elif kind == FILE:
        _write_file(writer, node, entry)
    elif kind == SYMLINK:
        target = node.target()
        if target is None:
            return
        entry.target = target
        writer.add(entry)
    else:
        if kind in (CHARACTER, BLOCK):
            entry.device = os.major(status.st_rdev), os.minor(status.st_rdev)
        writer.add(entry)
    linked.setdefault(identity, name)


def _write_file(writer: Writer, node: Node, entry: Entry) -> None:
    """As many bytes as the header has to announce, however the file changes meanwhile; zeros for what is cut off."""
    file = node.open()
    if file is None:
        return
    with file:
        entry.size = os.fstat(file.fileno()).st_size
        writer.add(entry, _chunks(file, entry.size))


def _chunks(file: FileIO, size: int) -> Iterator[bytes]:
    while size:
        chunk = file.read(min(size, _PIECE)) or bytes(min(size, _PIECE))
        size -= len(chunk)
        yield chunk
