"""Mounting as a list of describable operations over mount(2).

Knows the option words of mount(8) and how they become flags and data. Must not know what is being mounted or why.
The option table is the one of the OCI runtime specification (config.md, "Linux mount options").
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass

from wherry.linux import syscalls as sys

_SET: dict[str, int] = {
    "ro": sys.MS_RDONLY,
    "nosuid": sys.MS_NOSUID,
    "nodev": sys.MS_NODEV,
    "noexec": sys.MS_NOEXEC,
    "sync": sys.MS_SYNCHRONOUS,
    "remount": sys.MS_REMOUNT,
    "mand": sys.MS_MANDLOCK,
    "dirsync": sys.MS_DIRSYNC,
    "nosymfollow": sys.MS_NOSYMFOLLOW,
    "noatime": sys.MS_NOATIME,
    "nodiratime": sys.MS_NODIRATIME,
    "bind": sys.MS_BIND,
    "rbind": sys.MS_BIND | sys.MS_REC,
    "relatime": sys.MS_RELATIME,
    "strictatime": sys.MS_STRICTATIME,
    "lazytime": sys.MS_LAZYTIME,
}
_CLEAR: dict[str, int] = {
    "rw": sys.MS_RDONLY,
    "suid": sys.MS_NOSUID,
    "dev": sys.MS_NODEV,
    "exec": sys.MS_NOEXEC,
    "async": sys.MS_SYNCHRONOUS,
    "nomand": sys.MS_MANDLOCK,
    "symfollow": sys.MS_NOSYMFOLLOW,
    "atime": sys.MS_NOATIME,
    "diratime": sys.MS_NODIRATIME,
    "norelatime": sys.MS_RELATIME,
    "nostrictatime": sys.MS_STRICTATIME,
    "nolazytime": sys.MS_LAZYTIME,
    "defaults": 0,
}
_PROPAGATION: dict[str, int] = {
    "private": sys.MS_PRIVATE,
    "rprivate": sys.MS_PRIVATE | sys.MS_REC,
    "shared": sys.MS_SHARED,
    "rshared": sys.MS_SHARED | sys.MS_REC,
    "slave": sys.MS_SLAVE,
    "rslave": sys.MS_SLAVE | sys.MS_REC,
    "unbindable": sys.MS_UNBINDABLE,
    "runbindable": sys.MS_UNBINDABLE | sys.MS_REC,
}

_PAGE = 4096
"""mount(2) reads at most one page of data, the closing NUL included."""


@dataclass(frozen=True, slots=True)
class Options:
    """Option words as mount(2) takes them: `flags`, `propagation` (calls of their own, in order) and `data`."""

    flags: int
    propagation: tuple[int, ...]
    data: str


def parse_options(words: tuple[str, ...] | list[str]) -> Options:
    """Sort option words; a later one wins over an earlier one. Words that are no flag go to the file system."""
    flags = 0
    propagation: list[int] = []
    data: list[str] = []
    for word in words:
        if word in _SET:
            flags |= _SET[word]
        elif word in _CLEAR:
            flags &= ~_CLEAR[word]
        elif word in _PROPAGATION:
            propagation.append(_PROPAGATION[word])
        else:
            data.append(word)
    return Options(flags, tuple(propagation), ",".join(data))


@dataclass(frozen=True, slots=True)
class MountOperation:
    """One mount to make on `target`, which must exist. `describe()` is the mount(8) command that would do the same."""

    type: str
    source: str
    target: str
    options: tuple[str, ...] = ()

    def describe(self) -> str:
        options = f" -o {','.join(self.options)}" if self.options else ""
        return f"mount -t {self.type}{options} {self.source} {self.target}"

    def execute(self) -> None:
        """Make the mount; on error nothing is left mounted. OSError names the call and the target.

        A read-only or otherwise restricted bind takes two calls: MS_BIND ignores all other flags but MS_REC
        (mount(2)). So does a mount made piecewise, whose flags are not options of its file system.
        """
        options = parse_options(self.options)
        piecewise = len(options.data) >= _PAGE
        if piecewise:
            self._execute_piecewise(options)
        else:
            sys.mount(self.source, self.target, self.type, options.flags, options.data or None)
        try:
            restrictions = options.flags & ~(sys.MS_BIND | sys.MS_REC)
            if restrictions and (piecewise or options.flags & sys.MS_BIND):
                sys.mount(None, self.target, None, restrictions | sys.MS_REMOUNT | sys.MS_BIND, None)
            for flags in options.propagation:
                sys.mount(None, self.target, None, flags, None)
        except OSError:
            sys.umount2(self.target, sys.MNT_DETACH)
            raise

    def _execute_piecewise(self, options: Options) -> None:
        """For data that does not fit a page: hand over one option at a time, and each lower layer of an overlay alone.

        The kernel takes the latter as `lowerdir+` since Linux 6.5 (overlayfs.rst, "Multiple lower layers").
        """
        fd = sys.fsopen(self.type, sys.FSOPEN_CLOEXEC)
        try:
            sys.fsconfig(fd, sys.FSCONFIG_SET_STRING, "source", self.source)
            if options.flags & sys.MS_RDONLY:
                sys.fsconfig(fd, sys.FSCONFIG_SET_FLAG, "ro")
            for word in options.data.split(","):
                key, _, value = word.partition("=")
                if key == "lowerdir":
                    for layer in value.split(":"):
                        sys.fsconfig(fd, sys.FSCONFIG_SET_STRING, "lowerdir+", layer)
                elif value:
                    sys.fsconfig(fd, sys.FSCONFIG_SET_STRING, key, value)
                else:
                    sys.fsconfig(fd, sys.FSCONFIG_SET_FLAG, key)
            sys.fsconfig(fd, sys.FSCONFIG_CMD_CREATE)
            mount = sys.fsmount(fd, sys.FSMOUNT_CLOEXEC, 0)
        finally:
            os.close(fd)
        try:
            sys.move_mount(mount, self.target)
        finally:
            os.close(mount)


def unmount(target: str) -> bool:
    """Detach what is mounted on `target` now and let the kernel finish when it is no longer used.

    False if nothing was mounted there or the path does not exist, so that it can be repeated after a crash.
    """
    try:
        sys.umount2(target, sys.MNT_DETACH | sys.UMOUNT_NOFOLLOW)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOENT):
            return False
        raise
    return True


@dataclass(frozen=True, slots=True)
class MountPoint:
    """A line of /proc/self/mountinfo, proc(5)."""

    root: str
    target: str
    type: str
    source: str
    options: str
    optional: tuple[str, ...]

    @property
    def shared(self) -> bool:
        return any(field.startswith("shared:") for field in self.optional)


def parse_mountinfo(text: str) -> list[MountPoint]:
    """The mounts listed in `text`, in its order. Octal escapes (\\040 and so on) are undone."""
    points = []
    for line in text.splitlines():
        left, _, right = line.partition(" - ")
        fields, (fstype, source, *_) = left.split(), right.split()
        points.append(
            MountPoint(
                _unescape(fields[3]), _unescape(fields[4]), fstype, _unescape(source), fields[5], tuple(fields[6:])
            )
        )
    return points


def mounts(pid: int | str = "self") -> list[MountPoint]:
    """The mounts in the mount namespace of a process."""
    with open(f"/proc/{pid}/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        return parse_mountinfo(file.read())


def mounts_below(directory: str) -> list[str]:
    """Targets of the mounts on or below a directory, deepest first: the order in which they can be undone."""
    prefix = os.path.realpath(directory)
    found = [m.target for m in mounts() if m.target == prefix or m.target.startswith(prefix.rstrip("/") + "/")]
    return sorted(found, key=lambda target: target.count("/"), reverse=True)


def _unescape(field: str) -> str:
    if "\\" not in field:
        return field
    return (
        field.encode("utf-8", "surrogateescape")
        .decode("unicode_escape")
        .encode("latin-1")
        .decode("utf-8", "surrogateescape")
    )
