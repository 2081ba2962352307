"""What a layer does not say: the owner and mode of directories that its archive has no entry for.

Knows what directories have. Must not know archives. A stacked tree that has `a/b/file` needs `a` and `a/b` as well,
and these show instead of the parent's: so they take over all that the parent's have.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from wherry.snapshots import stacked, whiteouts
from wherry.snapshots.attributes import is_carried


def inherit(tree: Path, directories: Iterable[str], parents: list[Path]) -> None:
    """Make `directories` of `tree` look as in `parents`, topmost first, where they show as directories there."""
    for path in directories:
        before = stacked.find(parents, path)
        if before is None or not before.is_directory or _is_anew(tree, path):
            continue
        source, target = stacked.open_directory(before.tree, path), stacked.open_directory(tree, path)
        try:
            _copy_metadata(source, target)
        finally:
            os.close(source)
            os.close(target)


def _is_anew(tree: Path, path: str) -> bool:
    """Whether the directory, or one on the way to it, has been deleted and made again."""
    while path:
        fd = stacked.open_directory(tree, path)
        try:
            if whiteouts.is_opaque(fd):
                return True
        finally:
            os.close(fd)
        path = path.rpartition("/")[0]
    return False


def _copy_metadata(source: int, target: int) -> None:
    found = os.fstat(source)
    os.fchown(target, found.st_uid, found.st_gid)
    os.fchmod(target, stat.S_IMODE(found.st_mode))
    for name in os.listxattr(source):
        if is_carried(name):
            os.setxattr(target, name, os.getxattr(source, name))
    os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))
