"""Making the files of a layer below the current directory.

Knows entries, whiteouts and the system calls that turn one into the other. Must not know where the archive comes from,
nor which layer it is. Runs in a process of its own that sees no file system but the tree it writes (`worker`): that is
what makes names and links harmless that point elsewhere. What is refused here on top of it are names that no honest
archive has.

What an archive may contain is what a container may have: device nodes and setuid files as well, as with Docker. They
lie below a directory that only root may enter, and in a container its device rules decide. Owners, modes, times to the
nanosecond, and the extended attributes that `attributes` lets through are kept.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator

from wherry import errors
from wherry.snapshots import whiteouts
from wherry.snapshots.attributes import is_carried
from wherry.snapshots.tar.entry import BLOCK, CHARACTER, DIRECTORY, FIFO, FILE, LINK, SYMLINK, Entry, HostileArchive
from wherry.snapshots.tar.reader import Reader

STACK = "stack"
"""Deletions are kept for overlayfs, which will show this tree upon others."""
APPLY = "apply"
"""Deletions are done: the tree is a copy of the parent's."""
DROP = "drop"
"""There is no parent and nothing to delete."""

_LARGEST_ID = 2**32 - 2
_LATEST = 2**62
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)


class ArchiveTooLarge(errors.ResourceExhausted):
    def __init__(self, limit: int, unit: str) -> None:
        super().__init__(f"refused archive: it unpacks to more than {limit} {unit}")
        self.limit, self.unit = limit, unit


class ExtractionFailed(errors.ResourceExhausted):
    """The disk, not the archive, is the reason."""

    def __init__(self, entry: str, reason: str) -> None:
        super().__init__(f"cannot extract {entry!r}: {reason}", hint="make room on the disk")
        self.entry, self.reason = entry, reason


class Extraction:
    """One archive going into the current directory, whose process has umask 0. `form` is STACK, APPLY or DROP.

    `implicit` lists the directories that had to be made although the archive has no entry for them: the root, "", at
    first.
    """

    def __init__(self, form: str, most_entries: int) -> None:
        self.entries = 0
        self.bytes = 0
        self._form = form
        self._most = most_entries
        self._directories: set[str] = {""}
        self._implicit: dict[str, None] = {"": None}
        self._times: dict[str, int] = {}
        self._made: set[str] = set()
        self._makers = {
            FILE: self._file,
            DIRECTORY: self._directory,
            LINK: self._link,
            SYMLINK: self._symlink,
            CHARACTER: self._node,
            BLOCK: self._node,
            FIFO: self._node,
        }

    @property
    def implicit(self) -> list[str]:
        return list(self._implicit)

    def run(self, reader: Reader) -> None:
        """Extract all entries. Raises HostileArchive, DamagedArchive, ArchiveTooLarge, ExtractionFailed."""
        for entry in reader:
            self.entries += 1
            if self.entries > self._most:
                raise ArchiveTooLarge(self._most, "entries")
            try:
                self._extract(entry, reader)
            except OSError as error:
                reason = os.strerror(error.errno or 0)
                if error.errno in _DISK:
                    raise ExtractionFailed(entry.name, reason) from error
                raise HostileArchive(entry.name, f"cannot be made: {reason}") from error
            except (ValueError, OverflowError) as error:
                raise HostileArchive(entry.name, f"cannot be made: {error}") from error
        self._set_times()

    def _extract(self, entry: Entry, reader: Reader) -> None:
        path = _clean(entry)
        parent, _, base = path.rpartition("/")
        if parent and "/" + whiteouts.PREFIX in "/" + parent:
            if "/" + whiteouts.RESERVED in "/" + parent:
                return
            raise HostileArchive(entry.name, "is below a whiteout")
        if base.startswith(whiteouts.PREFIX):
            self._whiteout(entry, parent, base)
            return
        if not 0 <= entry.uid <= _LARGEST_ID or not 0 <= entry.gid <= _LARGEST_ID:
            raise HostileArchive(entry.name, f"belongs to {entry.uid}:{entry.gid}, which cannot be")
        entry.mtime = max(-_LATEST, min(entry.mtime, _LATEST))
        if parent not in self._directories:
            self._make_parents(parent)
        self._makers[entry.kind](entry, path, reader)
        if self._form == APPLY:
            self._made.add(path)

    def _file(self, entry: Entry, path: str, reader: Reader) -> None:
        _require_name(entry, path)
        special = entry.uid or entry.gid or entry.mode & 0o7000
        try:
            fd = os.open(path, _NEW_FILE, entry.mode)
        except FileExistsError:
            self._clear(path)
            fd = os.open(path, _NEW_FILE, entry.mode)
        try:
            if entry.segments is not None:
                _write_segments(fd, entry, reader)
            elif entry.size:
                self.bytes += entry.size
                for chunk in reader.chunks():
                    _write(fd, chunk)
            if special:
                os.fchown(fd, entry.uid, entry.gid)
                os.fchmod(fd, entry.mode)
            if entry.xattrs:
                _set_attributes(fd, entry)
            os.utime(fd, ns=(entry.mtime, entry.mtime))
        finally:
            os.close(fd)

    def _directory(self, entry: Entry, path: str, reader: Reader) -> None:
        target = path or "."
        if path:
            self._make_directory(path)
        os.chown(target, entry.uid, entry.gid, follow_symlinks=False)
        os.chmod(target, entry.mode)
        _set_attributes(target, entry)
        self._times[target] = entry.mtime
        self._directories.add(path)
        self._implicit.pop(path, None)

    def _link(self, entry: Entry, path: str, reader: Reader) -> None:
        _require_name(entry, path)
        target = _clean(Entry(entry.target, FILE))
        if target == path:
            raise HostileArchive(entry.name, "is a link to itself")
        try:
            self._replacing(path, lambda: os.link(target, path, follow_symlinks=False))
        except FileNotFoundError:
            raise HostileArchive(entry.name, f"is a link to {entry.target!r}, which is not there") from None

    def _symlink(self, entry: Entry, path: str, reader: Reader) -> None:
        _require_name(entry, path)
        self._replacing(path, lambda: os.symlink(entry.target, path))
        if entry.uid or entry.gid:
            os.chown(path, entry.uid, entry.gid, follow_symlinks=False)
        _set_attributes(path, entry)
        os.utime(path, ns=(entry.mtime, entry.mtime), follow_symlinks=False)

    def _node(self, entry: Entry, path: str, reader: Reader) -> None:
        _require_name(entry, path)
        kind = {CHARACTER: stat.S_IFCHR, BLOCK: stat.S_IFBLK, FIFO: stat.S_IFIFO}[entry.kind]
        try:
            device = os.makedev(*entry.device)
        except (OverflowError, ValueError):
            raise HostileArchive(entry.name, f"is a device with the number {entry.device}") from None
        self._replacing(path, lambda: os.mknod(path, kind | entry.mode, device))
        if entry.uid or entry.gid:
            os.chown(path, entry.uid, entry.gid, follow_symlinks=False)
            os.chmod(path, entry.mode)
        _set_attributes(path, entry)
        os.utime(path, ns=(entry.mtime, entry.mtime), follow_symlinks=False)

    def _whiteout(self, entry: Entry, parent: str, base: str) -> None:
        """Delete what lower layers have. It does not matter where among the entries of this layer it stands."""
        hidden = base.removeprefix(whiteouts.PREFIX)
        if hidden in ("", ".", ".."):
            raise HostileArchive(entry.name, "is a whiteout of nothing")
        reserved = base.startswith(whiteouts.RESERVED) and base != whiteouts.OPAQUE
        if reserved or self._form == DROP:
            return
        if parent not in self._directories:
            self._make_parents(parent)
        if base == whiteouts.OPAQUE:
            self._hide_below(parent)
        elif self._form == STACK:
            self._hide(_join(parent, hidden))
        else:
            self._delete(_join(parent, hidden))

    def _hide(self, path: str) -> None:
        try:
            found = os.lstat(path)
        except FileNotFoundError:
            whiteouts.make(path)
        else:
            if stat.S_ISDIR(found.st_mode):
                whiteouts.make_opaque(path)

    def _hide_below(self, directory: str) -> None:
        if self._form == STACK:
            whiteouts.make_opaque(directory or ".")
        else:
            self._delete_older(directory)

    def _delete(self, path: str) -> None:
        if path not in self._made:
            remove(path)
        elif os.path.isdir(path) and not os.path.islink(path):
            self._delete_older(path)

    def _delete_older(self, directory: str) -> None:
        """Delete what this layer has not made below a directory, which it may have made itself."""
        for name in os.listdir(directory or "."):
            self._delete(_join(directory, name))

    def _make_parents(self, path: str) -> None:
        """Directories that the archive has no entries for. In a stacked tree they hide the parent's: see `implicit`."""
        end = 0
        while end < len(path):
            end = path.find("/", end + 1) if "/" in path[end + 1 :] else len(path)
            directory = path[:end]
            if directory not in self._directories:
                if not self._is_directory(directory):
                    self._make_directory(directory)
                    self._implicit[directory] = None
                self._directories.add(directory)
                if self._form == APPLY:
                    self._made.add(directory)

    def _is_directory(self, path: str) -> bool:
        """Through links too: layers write below `lib` where `lib` is a link to `usr/lib`."""
        try:
            found = os.stat(path)
        except FileNotFoundError:
            if os.path.islink(path):
                raise
            return False
        if whiteouts.is_whiteout(found) and self._form == STACK:
            return False
        if not stat.S_ISDIR(found.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        return True

    def _make_directory(self, path: str) -> None:
        """Have a directory there, and nothing else. Instead of a whiteout, it hides what it does not have."""
        try:
            os.mkdir(path, 0o755)
        except FileExistsError:
            found = os.lstat(path)
            if stat.S_ISDIR(found.st_mode):
                return
            self._clear(path)
            os.mkdir(path, 0o755)
            if self._form == STACK and whiteouts.is_whiteout(found):
                whiteouts.make_opaque(path)

    def _replacing(self, path: str, make: Callable[[], None]) -> None:
        try:
            make()
        except FileExistsError:
            self._clear(path)
            make()

    def _clear(self, path: str) -> None:
        """Make room: what comes later in an archive wins."""
        remove(path)
        self._directories = {""}
        self._implicit = {name: None for name in self._implicit if not (name + "/").startswith(path + "/")}

    def _set_times(self) -> None:
        """Of directories last, since each entry in one changes them."""
        for path, mtime in self._times.items():
            try:
                fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            except (FileNotFoundError, NotADirectoryError):
                continue
            try:
                os.utime(fd, ns=(mtime, mtime))
            finally:
                os.close(fd)


def remove(path: str) -> None:
    """Remove what is there, if anything. Deep trees need no deep stack."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except (IsADirectoryError, PermissionError):
        directories = [path]
        for directory in directories:
            for entry in _entries(directory):
                if entry.is_dir(follow_symlinks=False):
                    directories.append(entry.path)
                else:
                    os.unlink(entry.path)
        for directory in reversed(directories):
            os.rmdir(directory)


def _entries(directory: str) -> Iterator[os.DirEntry[str]]:
    with os.scandir(directory) as entries:
        yield from entries


def _clean(entry: Entry) -> str:
    """The path of an entry below the root, without a slash at its ends; "" is the root itself."""
    name = entry.name
    if not name:
        raise HostileArchive(name, "has no name")
    path = name.strip("/")
    if "//" in path or "/." in "/" + path:
        parts = [part for part in path.split("/") if part not in ("", ".")]
        if ".." in parts:
            raise HostileArchive(name, "leads out of its directory")
        path = "/".join(parts)
    return path


def _require_name(entry: Entry, path: str) -> None:
    if not path:
        raise HostileArchive(entry.name, f"is a {entry.kind} in place of the root directory")


def _join(directory: str, name: str) -> str:
    return f"{directory}/{name}" if directory else name


def _write(fd: int, data: bytes | memoryview) -> None:
    while True:
        written = os.write(fd, data)
        if written == len(data):
            return
        data = memoryview(data)[written:]


def _write_segments(fd: int, entry: Entry, reader: Reader) -> None:
    os.ftruncate(fd, entry.size)
    for offset, length in entry.segments or ():
        os.lseek(fd, offset, os.SEEK_SET)
        left = length
        while left:
            chunk = reader.read_some(left)
            _write(fd, chunk)
            left -= len(chunk)


def _set_attributes(target: int | str, entry: Entry) -> None:
    """A file system may have none (ENOTSUP), and links have none of the user's (EPERM): passed over, as by Docker."""
    if not entry.xattrs:
        return
    for name, value in entry.xattrs.items():
        if is_carried(name):
            try:
                os.setxattr(target, name, value, follow_symlinks=isinstance(target, int))
            except OSError as error:
                if error.errno not in (errno.ENOTSUP, errno.EPERM):
                    raise
