"""What a tree takes on disk, counted as Docker counts it: the sizes of its files, directories not included.

Knows sizes and hard links. Must not know what the tree is for.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from wherry.snapshots.snapshotter import Usage


def measure(root: Path) -> Usage:
    """Bytes and inodes of a tree, `root` included. Files with several names count once. It may change meanwhile."""
    size, inodes = 0, 1
    linked: set[int] = set()
    waiting: list[Path | str] = [root]
    while waiting:
        try:
            entries = os.scandir(waiting.pop())
        except FileNotFoundError:
            continue
        with entries:
            for entry in entries:
                try:
                    found = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                if stat.S_ISDIR(found.st_mode):
                    waiting.append(entry.path)
                    inodes += 1
                    continue
                if found.st_nlink > 1:
                    if found.st_ino in linked:
                        continue
                    linked.add(found.st_ino)
                size += found.st_size
                inodes += 1
    return Usage(size, inodes)
