"""Mounting snapshots in tests, and describing trees so that they can be compared."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wherry.linux import mount
from wherry.oci.mount import Mount


@contextmanager
def mounted(mounts: list[Mount], target: Path) -> Iterator[Path]:
    """The snapshot's tree at `target`, unmounted at the end of the block."""
    target.mkdir(exist_ok=True)
    done = 0
    try:
        for each in mounts:
            mount.MountOperation(each.type, each.source, str(target / each.target), each.options).execute()
            done += 1
        yield target
    finally:
        for _ in range(done):
            mount.unmount(str(target))


@contextmanager
def tmpfs(target: Path) -> Iterator[Path]:
    """A file system of its own, so that syncfs(2) does not wait for everything else on the machine."""
    target.mkdir(exist_ok=True)
    mount.MountOperation("tmpfs", "tmpfs", str(target)).execute()
    try:
        yield target
    finally:
        for below in mount.mounts_below(str(target)):
            mount.unmount(below)


def describe(root: Path, *, times: bool = True) -> dict[str, tuple[object, ...]]:
    """All that a container can tell of a tree, by path: mode, owner, content, attributes, names of the file, time."""
    names: dict[tuple[int, int], list[str]] = {}
    found: dict[str, tuple[object, ...]] = {}
    paths = [root, *sorted(root.rglob("*"))]
    for path in paths:
        names.setdefault(_identity(path), []).append(str(path.relative_to(root)))
    for path in paths:
        status = path.lstat()
        attributes = tuple(
            (name, os.getxattr(path, name, follow_symlinks=False))
            for name in sorted(os.listxattr(path, follow_symlinks=False))
            if not name.startswith("trusted.overlay.")
        )
        linked = () if stat.S_ISDIR(status.st_mode) else tuple(names[_identity(path)])
        when = (status.st_mtime_ns,) if times else ()
        found[str(path.relative_to(root))] = (
            oct(status.st_mode),
            (status.st_uid, status.st_gid),
            _content(path, status),
            attributes,
            linked,
            *when,
        )
    return found


def _identity(path: Path) -> tuple[int, int]:
    status = path.lstat()
    return status.st_dev, status.st_ino


def _content(path: Path, status: os.stat_result) -> object:
    if stat.S_ISREG(status.st_mode):
        return status.st_size, hashlib.sha256(path.read_bytes()).hexdigest()
    if stat.S_ISLNK(status.st_mode):
        return os.readlink(path)
    return status.st_rdev if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode) else None
