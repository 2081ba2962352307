"""Device nodes.

Knows what stat(2) tells of a node and how /dev is laid out. Must not know who may use a device. See mknod(2).
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

_NOT_HARDWARE = frozenset({"pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev"})
"""Directories of /dev that hold other file systems or links, no devices of the host."""


@dataclass(frozen=True, slots=True)
class Node:
    """A device node: `type` is "c" or "b", `mode` the permission bits."""

    path: str
    type: str
    major: int
    minor: int
    mode: int
    uid: int
    gid: int


def node(path: str) -> Node:
    """The node at `path`, links followed. OSError; ENODEV if it is there and no device."""
    return _node(path, os.stat(path))


def _node(path: str, status: os.stat_result) -> Node:
    if stat.S_ISCHR(status.st_mode):
        kind = "c"
    elif stat.S_ISBLK(status.st_mode):
        kind = "b"
    else:
        raise OSError(errno.ENODEV, "not a device node", path)
    major, minor = os.major(status.st_rdev), os.minor(status.st_rdev)
    return Node(path, kind, major, minor, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)


def below(directory: str) -> Iterator[Node]:
    """The nodes in a directory and those below it, in order of their names; links are not followed."""
    try:
        entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            if entry.name not in _NOT_HARDWARE:
                yield from below(entry.path)
            continue
        try:
            yield _node(entry.path, entry.stat(follow_symlinks=False))
        except FileNotFoundError:
            continue
        except OSError as error:
            if error.errno != errno.ENODEV:
                raise
