"""Being told that a file or directory has changed: inotify(7)."""

from __future__ import annotations

import ctypes
import os

IN_MODIFY = 0x00000002
IN_MOVED_TO = 0x00000080
IN_CREATE = 0x00000100
IN_CLOEXEC = os.O_CLOEXEC
IN_NONBLOCK = os.O_NONBLOCK

_BUFFER = 64 * 1024

_libc = ctypes.CDLL(None, use_errno=True)
_libc.inotify_add_watch.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_uint32]


def inotify_init1(flags: int) -> int:
    fd: int = _libc.inotify_init1(flags)
    if fd < 0:
        errno = ctypes.get_errno()
        raise OSError(errno, f"inotify_init1: {os.strerror(errno)}")
    return fd


def inotify_add_watch(fd: int, path: str, mask: int) -> int:
    watch: int = _libc.inotify_add_watch(fd, os.fsencode(path), mask)
    if watch < 0:
        errno = ctypes.get_errno()
        raise OSError(errno, f"inotify_add_watch: {os.strerror(errno)}", path)
    return watch


def drain(fd: int) -> None:
    """Forget what has been reported so far, for a watcher that only asks whether anything has happened."""
    try:
        while len(os.read(fd, _BUFFER)) == _BUFFER:
            pass
    except BlockingIOError:
        return
