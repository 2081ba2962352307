"""Looking into stacked trees as overlayfs would show them, without mounting them.

Knows whiteouts and opaque directories. Must not know snapshots. The trees come from archives and containers, so no
link in them is followed, ever; a path is taken one name at a time.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

import msgspec

from wherry.snapshots import whiteouts

_STEP = os.O_PATH | os.O_NOFOLLOW


class Found(msgspec.Struct, frozen=True):
    """Something at a path: in which tree it is, and what stat(2) says of it."""

    tree: Path
    status: os.stat_result

    @property
    def is_directory(self) -> bool:
        return stat.S_ISDIR(self.status.st_mode)


def find(trees: Sequence[Path], path: str) -> Found | None:
    """What shows at `path` ("" is the root) in `trees`, topmost first; None if nothing does."""
    for tree in trees:
        status, hides = _look(tree, path)
        if status is not None:
            return None if whiteouts.is_whiteout(status) else Found(tree, status)
        if hides:
            return None
    return None


def open_directory(tree: Path, path: str) -> int:
    """The directory at `path` in a tree, opened for reading. OSError if there is none, or a link on the way."""
    here = os.open(tree, os.O_RDONLY | os.O_DIRECTORY)
    for part in path.split("/") if path else ():
        try:
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
        finally:
            os.close(here)
        here = below
    return here


def _look(tree: Path, path: str) -> tuple[os.stat_result | None, bool]:
    """What a tree has at `path`, and whether what it has on the way hides the trees below."""
    hides = False
    here = os.open(tree, _STEP | os.O_DIRECTORY)
    try:
        status = os.fstat(here)
        for part in path.split("/") if path else ():
            if not stat.S_ISDIR(status.st_mode):
                return None, True
            hides = hides or whiteouts.is_opaque(f"/proc/self/fd/{here}")
            try:
                below = os.open(part, _STEP, dir_fd=here)
            except FileNotFoundError:
                return None, hides
            os.close(here)
            here = below
            status = os.fstat(here)
        return status, hides
    finally:
        os.close(here)
