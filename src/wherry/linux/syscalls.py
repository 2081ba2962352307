"""System calls that Python 3.11 has no wrapper for.

Every function is one call: it keeps the kernel's name, checks the result and raises OSError with the name of the call
(and the path, where there is one). Nothing here decides anything. Constants keep the names of the C headers, so that
they can be found in section 2 of the manual.
"""

from __future__ import annotations

import ctypes
import os

CLONE_NEWTIME = 0x00000080
CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_SYNCHRONOUS = 0x10
MS_REMOUNT = 0x20
MS_MANDLOCK = 0x40
MS_DIRSYNC = 0x80
MS_NOSYMFOLLOW = 0x100
MS_NOATIME = 0x400
MS_NODIRATIME = 0x800
MS_BIND = 0x1000
MS_MOVE = 0x2000
MS_REC = 0x4000
MS_SILENT = 0x8000
MS_UNBINDABLE = 0x20000
MS_PRIVATE = 0x40000
MS_SLAVE = 0x80000
MS_SHARED = 0x100000
MS_RELATIME = 0x200000
MS_STRICTATIME = 0x1000000
MS_LAZYTIME = 0x2000000

MNT_FORCE = 0x1
MNT_DETACH = 0x2
UMOUNT_NOFOLLOW = 0x8

FSOPEN_CLOEXEC = 0x1
FSCONFIG_SET_FLAG = 0
FSCONFIG_SET_STRING = 1
FSCONFIG_CMD_CREATE = 6
FSMOUNT_CLOEXEC = 0x1
MOVE_MOUNT_F_EMPTY_PATH = 0x4
AT_FDCWD = -100

RESOLVE_NO_XDEV = 0x01
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_NO_SYMLINKS = 0x04
RESOLVE_BENEATH = 0x08
RESOLVE_IN_ROOT = 0x10

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38

_LINUX_CAPABILITY_VERSION_3 = 0x20080522

_SYS_MOVE_MOUNT = 429
_SYS_FSOPEN = 430
_SYS_FSCONFIG = 431
_SYS_FSMOUNT = 432
_SYS_OPENAT2 = 437

_libc = ctypes.CDLL(None, use_errno=True)

_libc.mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]
_libc.umount2.argtypes = [ctypes.c_char_p, ctypes.c_int]
_libc.unshare.argtypes = [ctypes.c_int]
_libc.setns.argtypes = [ctypes.c_int, ctypes.c_int]
_libc.prctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_ulong, ctypes.c_ulong, ctypes.c_ulong]
_libc.syncfs.argtypes = [ctypes.c_int]
_libc.pivot_root.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
_libc.capset.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
_libc.syscall.restype = ctypes.c_long


class _OpenHow(ctypes.Structure):
    _fields_ = [("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64)]


def _check(result: int, call: str, path: str | None = None) -> int:
    if result < 0:
        errno = ctypes.get_errno()
        raise OSError(errno, f"{call}: {os.strerror(errno)}", path)
    return result


def _encoded(text: str | None) -> bytes | None:
    return None if text is None else os.fsencode(text)


def mount(source: str | None, target: str, fstype: str | None, flags: int, data: str | None) -> None:
    """mount(2)"""
    result = _libc.mount(_encoded(source), os.fsencode(target), _encoded(fstype), flags, _encoded(data))
    _check(result, "mount", target)


def umount2(target: str, flags: int) -> None:
    """umount2(2)"""
    _check(_libc.umount2(os.fsencode(target), flags), "umount2", target)


def fsopen(fstype: str, flags: int) -> int:
    """fsopen(2): a descriptor of a file system being configured."""
    return _check(_libc.syscall(_SYS_FSOPEN, os.fsencode(fstype), ctypes.c_uint(flags)), "fsopen", fstype)


def fsconfig(fd: int, command: int, key: str | None = None, value: str | None = None) -> None:
    """fsconfig(2) for flags and strings, which have at most 255 bytes. The error names the key."""
    result = _libc.syscall(_SYS_FSCONFIG, fd, ctypes.c_uint(command), _encoded(key), _encoded(value), 0)
    _check(result, "fsconfig", key)


def fsmount(fd: int, flags: int, attributes: int) -> int:
    """fsmount(2): a descriptor of a mount that is not attached anywhere yet."""
    result = _libc.syscall(_SYS_FSMOUNT, fd, ctypes.c_uint(flags), ctypes.c_uint(attributes))
    return _check(result, "fsmount")


def move_mount(fd: int, target: str) -> None:
    """move_mount(2): attach the mount `fd` at a path."""
    arguments = (fd, b"", AT_FDCWD, os.fsencode(target), ctypes.c_uint(MOVE_MOUNT_F_EMPTY_PATH))
    _check(_libc.syscall(_SYS_MOVE_MOUNT, *arguments), "move_mount", target)


def pivot_root(new_root: str, put_old: str) -> None:
    """pivot_root(2)"""
    _check(_libc.pivot_root(os.fsencode(new_root), os.fsencode(put_old)), "pivot_root", new_root)


def syncfs(fd: int) -> None:
    """syncfs(2): write out the file system that `fd` is on."""
    _check(_libc.syncfs(fd), "syncfs")


def unshare(flags: int) -> None:
    """unshare(2): for the calling thread, except CLONE_NEWPID, which concerns only later children."""
    _check(_libc.unshare(flags), "unshare")


def setns(fd: int, nstype: int) -> None:
    """setns(2): for the calling thread."""
    _check(_libc.setns(fd, nstype), "setns")


def prctl(option: int, arg2: int = 0, arg3: int = 0, arg4: int = 0, arg5: int = 0) -> int:
    """prctl(2) for options with integer arguments."""
    return _check(_libc.prctl(option, arg2, arg3, arg4, arg5), "prctl")


def set_name(name: str) -> None:
    """Name the calling thread, at most 15 bytes: PR_SET_NAME of prctl(2)."""
    buffer = ctypes.create_string_buffer(os.fsencode(name)[:15])
    _check(_libc.prctl(PR_SET_NAME, ctypes.addressof(buffer), 0, 0, 0), "prctl")


def capset(effective: int, permitted: int, inheritable: int) -> None:
    """capset(2): the capabilities of the calling thread, as masks."""
    header = (ctypes.c_uint32 * 2)(_LINUX_CAPABILITY_VERSION_3, 0)
    masks = (effective, permitted, inheritable)
    data = (ctypes.c_uint32 * 6)(*(mask >> shift & 0xFFFFFFFF for shift in (0, 32) for mask in masks))
    _check(_libc.capset(header, data), "capset")


def openat2(dirfd: int, path: str, flags: int, mode: int = 0, resolve: int = 0) -> int:
    """openat2(2): a new descriptor, close-on-exec."""
    how = _OpenHow(flags | os.O_CLOEXEC, mode, resolve)
    size = ctypes.sizeof(how)
    return _check(
        _libc.syscall(_SYS_OPENAT2, dirfd, os.fsencode(path), ctypes.byref(how), ctypes.c_size_t(size)), "openat2", path
    )
