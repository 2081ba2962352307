"""Walking through a tree that a container may be changing at the same moment.

Knows how not to be led astray: every name is looked up in an opened directory, and no link is followed, so that a
directory swapped for a link while we look gives an error at worst, never a file of the host. Must not know what the
tree is for.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from io import FileIO
from pathlib import Path

from wherry.snapshots import stacked
from wherry.snapshots.attributes import is_carried

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


class Node:
    """Something in a tree: its path from the root, and what lstat(2) says. Valid until the next one is asked for."""

    __slots__ = ("_directory", "_name", "path", "status")

    def __init__(self, path: str, status: os.stat_result, directory: int, name: str) -> None:
        self.path = path
        self.status = status
        self._directory = directory
        self._name = name

    @property
    def is_directory(self) -> bool:
        return stat.S_ISDIR(self.status.st_mode)

    @property
    def location(self) -> str:
        """A path that the kernel resolves from the opened directory; its last component may be a link."""
        return f"/proc/self/fd/{self._directory}/{self._name}"

    def target(self) -> str | None:
        """Where a symbolic link points to; None if it is gone."""
        with suppress(OSError):
            return os.readlink(self._name, dir_fd=self._directory)
        return None

    def attributes(self) -> dict[str, bytes]:
        """The extended attributes that belong to the content."""
        found: dict[str, bytes] = {}
        with suppress(OSError):
            for name in os.listxattr(self.location, follow_symlinks=False):
                if is_carried(name):
                    found[name] = os.getxattr(self.location, name, follow_symlinks=False)
        return found

    def open(self) -> FileIO | None:
        """The file, opened for reading; None if it is gone or has become something else."""
        try:
            file = FileIO(os.open(self._name, _READ, dir_fd=self._directory))
        except OSError:
            return None
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return file
        file.close()
        return None


def walk(root: Path) -> Iterator[Node]:
    """Everything in a tree in a fixed order: the root, "", first; each directory before what is in it, files before
    directories.

    What disappears meanwhile is left out.
    """
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield Node("", os.fstat(fd), fd, ".")
    finally:
        os.close(fd)
    waiting = [""]
    while waiting:
        path = waiting.pop()
        try:
            fd = stacked.open_directory(root, path)
        except OSError:
            continue
        try:
            below = []
            for node in _nodes(path, fd):
                yield node
                if node.is_directory:
                    below.append(node.path)
        finally:
            os.close(fd)
        waiting.extend(reversed(below))


def _nodes(path: str, directory: int) -> Iterator[Node]:
    with os.scandir(directory) as entries:
        names = sorted((entry.is_dir(follow_symlinks=False), entry.name) for entry in entries)
    for _, name in names:
        try:
            status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        except FileNotFoundError:
            continue
        yield Node(f"{path}/{name}" if path else name, status, directory, name)
