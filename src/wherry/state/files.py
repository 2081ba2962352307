"""Files that are either the old ones or the new ones, whatever moment the power goes.

Knows temporary names, fsync(2) and rename(2). Must not know what is written. See "Atomicity" in rename(2) and the note
on directories in fsync(2).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from types import TracebackType

from wherry import errors

_TEMPORARY = ".new"
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


class LockHeld(errors.Conflict):
    """Another process holds the lock file at `path`."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is locked by another process", hint="stop that process or choose another directory")
        self.path = path


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_atomic(path: Path, data: bytes, mode: int = 0o600, *, sync: bool = True) -> None:
    """Replace the file at `path`. With `sync` it has also survived a power failure when this returns."""
    temporary = path.with_name(path.name + _TEMPORARY)
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
    try:
        with open(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(fd, mode)
            if sync:
                os.fsync(fd)
        os.rename(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if sync:
        sync_directory(path.parent)


def read_if_exists(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def remove_tree(path: Path) -> None:
    """Remove a directory and all below it without following links; nothing happens if it is absent.

    A container may have made it a hundred thousand levels deep: no recursion, one descriptor, no path longer than a
    name.
    """
    try:
        here = os.open(path, _DIRECTORY)
    except FileNotFoundError:
        return
    way: list[tuple[str, list[str]]] = [(str(path), _remove_files(here))]
    try:
        while way:
            name, below = way[-1]
            if below:
                child = below.pop()
                here = _swap(here, os.open(child, _DIRECTORY, dir_fd=here))
                way.append((child, _remove_files(here)))
            else:
                way.pop()
                here = _swap(here, os.open("..", _DIRECTORY, dir_fd=here))
                os.rmdir(name, dir_fd=here)
    finally:
        os.close(here)


def _remove_files(directory: int) -> list[str]:
    """Remove what is no directory; the names of the directories."""
    below = []
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                below.append(entry.name)
            else:
                with contextlib.suppress(FileNotFoundError):  # its owner was faster, as a process that ends its socket
                    os.unlink(entry.name, dir_fd=directory)
    return below


def _swap(old: int, new: int) -> int:
    os.close(old)
    return new


class Lock:
    """An exclusive lock on a file, held until `release` or the end of the process, however it ends: flock(2)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    def acquire(self) -> None:
        """Raise LockHeld at once if another process has it."""
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            raise LockHeld(self.path) from None
        self._fd = fd

    def release(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> Lock:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
