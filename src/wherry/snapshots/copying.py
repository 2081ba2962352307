"""Copying a tree with everything that a container can tell.

Knows owners, modes, times, extended attributes, hard links, devices and shared extents. Must not know snapshots. The
source must not change meanwhile.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from pathlib import Path

_CHUNK = 1 << 30


def copy_tree(source: Path, target: Path) -> None:
    """Make `target`, which must not exist, a copy of the directory `source`."""
    linked: dict[int, str] = {}
    directories = [(str(source), str(target))]
    for each in directories:
        directories.extend(_copy_directory(*each, linked))
    for original, copy in reversed(directories):
        _copy_metadata(original, copy, os.stat(original))


def _copy_directory(source: str, target: str, linked: dict[int, str]) -> list[tuple[str, str]]:
    """Copy the files of a directory; the directories in it, each with its copy to be."""
    below = []
    os.mkdir(target)
    with os.scandir(source) as entries:
        for entry in entries:
            found = entry.stat(follow_symlinks=False)
            copy = os.path.join(target, entry.name)
            if stat.S_ISDIR(found.st_mode):
                below.append((entry.path, copy))
            elif found.st_nlink > 1 and found.st_ino in linked:
                os.link(linked[found.st_ino], copy, follow_symlinks=False)
            else:
                _copy_file(entry.path, copy, found)
                _copy_metadata(entry.path, copy, found)
                linked[found.st_ino] = copy
    return below


def _copy_file(source: str, target: str, found: os.stat_result) -> None:
    if stat.S_ISLNK(found.st_mode):
        os.symlink(os.readlink(source), target)
    elif stat.S_ISREG(found.st_mode):
        _copy_bytes(source, target, found.st_size)
    else:
        os.mknod(target, found.st_mode, found.st_rdev)


def _copy_bytes(source: str, target: str, size: int) -> None:
    """With copy_file_range(2), which shares the blocks where the file system can, and keeps holes holes."""
    with open(source, "rb", buffering=0) as reader, open(target, "xb", buffering=0) as writer:
        os.truncate(writer.fileno(), size)
        position = 0
        while position < size:
            try:
                position = os.lseek(reader.fileno(), position, os.SEEK_DATA)
                end = os.lseek(reader.fileno(), position, os.SEEK_HOLE)
            except OSError as error:
                if error.errno == errno.ENXIO:
                    return
                raise
            while position < end:
                count = min(end - position, _CHUNK)
                copied = os.copy_file_range(reader.fileno(), writer.fileno(), count, position, position)
                if not copied:
                    raise OSError(errno.EIO, "file became shorter while it was copied", source)
                position += copied


def _copy_metadata(source: str, target: str, found: os.stat_result) -> None:
    """The owner first: changing it clears the setuid bit and the file's capabilities."""
    os.chown(target, found.st_uid, found.st_gid, follow_symlinks=False)
    shutil.copystat(source, target, follow_symlinks=False)
