"""What a layer does not say: the owner and mode of directories that its archive has no entry for.

Knows how to find a directory in stacked trees. Must not know archives. A stacked tree that has `a/b/file` needs `a` and `a/b` as well,
and these show instead of the parent's: so they take over all that the parent's have. The trees come from archives; nothing in
them is followed out of them (openat2(2) with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from wherry.linux import syscalls
from wherry.snapshots import whiteouts

_RESOLVE = syscalls.RESOLVE_BENEATH | syscalls.RESOLVE_NO_SYMLINKS


def inherit(tree: Path, directories: Iterable[str], parents: list[Path]) -> None:
    """Make `directories` of `tree` look as in `parents`, topmost first, where they are directories."""
    for path in directories:
        own = _open(tree, path)
        if own is None:
            continue
        try:
            if not path or not _is_hidden(tree, path):
                _inherit_one(own, path, parents)
        finally:
            os.close(own)


def _inherit_one(own: int, path: str, parents: list[Path]) -> None:
    for parent in parents:
        fd = _open(parent, path)
        if fd is not None:
            try:
                _copy_metadata(fd, own)
            finally:
                os.close(fd)
            return
        if _is_hidden(parent, path):
            return


def _is_hidden(tree: Path, path: str) -> bool:
    """Whether `tree` hides what trees below it have at `path`: an opaque directory on the way, or no directory at all."""
    prefix = ""
    for part in path.split("/"):
        prefix = f"{prefix}/{part}" if prefix else part
        fd = _open(tree, prefix)
        if fd is None:
            return _exists(tree, prefix)
        try:
            if whiteouts.is_opaque(fd):
                return True
        finally:
            os.close(fd)
    return False


def _exists(tree: Path, path: str) -> bool:
    parent, _, base = path.rpartition("/")
    fd = _open(tree, parent)
    if fd is None:
        return False
    try:
        os.stat(base, dir_fd=fd, follow_symlinks=False)
    except OSError:
        return False
    finally:
        os.close(fd)
    return True


def _open(tree: Path, path: str) -> int | None:
    """The directory at `path`, or None if there is none."""
    root = os.open(tree, os.O_PATH | os.O_DIRECTORY)
    try:
        return syscalls.openat2(root, path or ".", os.O_RDONLY | os.O_DIRECTORY, 0, _RESOLVE)
    except OSError:
        return None
    finally:
        os.close(root)


def _copy_metadata(source: int, target: int) -> None:
    found = os.fstat(source)
    os.fchown(target, found.st_uid, found.st_gid)
    os.fchmod(target, stat.S_IMODE(found.st_mode))
    for name in os.listxattr(source):
        if not name.startswith("trusted.overlay."):
            os.setxattr(target, name, os.getxattr(source, name))
    os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))
