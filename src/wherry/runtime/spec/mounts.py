"""What is mounted in a container: the kernel's file systems, and over them what was asked for.

Knows Docker's default mounts and the section `mounts` (config.md, "Mounts"). Must not know where sources come from.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from typing import Any

from wherry import errors
from wherry.linux.mount import MountPoint
from wherry.runtime.spec.host import Host
from wherry.runtime.spec.settings import PRIVATE, Bind, Filesystem, ReadOnly, Settings, Tmpfs

INIT_PATH = "/sbin/docker-init"

_SAFE = ("nosuid", "noexec", "nodev")
_DEFAULTS: tuple[Filesystem, ...] = (
    Filesystem("/proc", "proc", "proc", _SAFE),
    Filesystem("/dev", "tmpfs", "tmpfs", ("nosuid", "strictatime", "mode=755", "size=65536k")),
    Filesystem(
        "/dev/pts", "devpts", "devpts", ("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5")
    ),
    Filesystem("/sys", "sysfs", "sysfs", (*_SAFE, "ro")),
    Filesystem("/sys/fs/cgroup", "cgroup", "cgroup", ("ro", *_SAFE)),
    Filesystem("/dev/mqueue", "mqueue", "mqueue", _SAFE),
)
_WRITABLE_IN_READONLY_ROOTFS = frozenset({"/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"})

MASKED: tuple[str, ...] = (
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
)
READONLY: tuple[str, ...] = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")

_TMPFS_KEYS = frozenset({"size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol", "huge"})
_TMPFS_FLAGS = frozenset(
    {
        "ro",
        "rw",
        "nosuid",
        "suid",
        "nodev",
        "dev",
        "noexec",
        "exec",
        "sync",
        "async",
        "dirsync",
        "remount",
        "mand",
        "nomand",
        "atime",
        "noatime",
        "diratime",
        "nodiratime",
        "relatime",
        "norelatime",
        "strictatime",
        "nostrictatime",
        "private",
        "rprivate",
        "shared",
        "rshared",
        "slave",
        "rslave",
        "unbindable",
        "runbindable",
    }
)
_TMPFS_DEFAULTS = ("noexec", "nosuid", "nodev")
_SHARED = frozenset({"shared", "rshared"})
_SLAVE = frozenset({"slave", "rslave"})


class BadTmpfsOption(errors.InvalidArgument):
    def __init__(self, option: str) -> None:
        super().__init__(f'invalid tmpfs option "{option}"')
        self.option = option


class CannotMountReadOnlyRecursively(errors.InvalidArgument):
    def __init__(self, destination: str) -> None:
        super().__init__(
            f"cannot mount {destination} read-only recursively: the kernel or the OCI runtime does not support it",
            hint="needs Linux 5.12 and a runtime whose `features` list the mount option rro",
        )
        self.destination = destination


class NotShared(errors.InvalidArgument):
    def __init__(self, source: str, mounted_on: str, wanted: str) -> None:
        super().__init__(f"path {source} is mounted on {mounted_on} but it is not a {wanted} mount")
        self.source = source


def section(settings: Settings, host: Host) -> list[dict[str, Any]]:
    """The defaults that are not overridden, in their order, then the others from the root down."""
    asked = [(posixpath.normpath(mount.destination), _asked(mount, host)) for mount in settings.mounts]
    asked.sort(key=lambda pair: pair[0].count("/") if pair[0] != "/" else 0)
    taken = frozenset(destination for destination, _ in asked)
    defaults = [mount for mount in _defaults(settings) if not _overridden(mount.destination, taken)]
    result = [_encoded(mount.destination, mount.type, mount.source, mount.options) for mount in defaults]
    result += [mount for _, mount in asked]
    if has_init(settings):
        result.append(_encoded(INIT_PATH, "bind", settings.init_path, ("bind", "ro")))
    return result


def has_init(settings: Settings) -> bool:
    """An init is of use only where it is process 1."""
    return bool(settings.init_path) and settings.namespaces.pid == PRIVATE


def masked(settings: Settings, host: Host) -> Sequence[str]:
    if settings.process.privileged:
        return ()
    return (*MASKED, *host.thermal_throttle) if settings.masked_paths is None else settings.masked_paths


def readonly(settings: Settings) -> Sequence[str]:
    if settings.process.privileged:
        return ()
    return READONLY if settings.readonly_paths is None else settings.readonly_paths


def rootfs_propagation(settings: Settings) -> str:
    """What the container's root has to be for its mounts to receive or send; "" for the runtime's default."""
    asked = {mount.propagation for mount in settings.mounts if isinstance(mount, Bind)}
    if asked & _SHARED:
        return "shared"
    return "rslave" if asked & _SLAVE else ""


def check_propagation(binds: Iterable[Bind], points: Sequence[MountPoint]) -> None:
    """Raise NotShared where a bind wants to share with a host mount that does not: `points` are the host's mounts."""
    for bind in binds:
        if bind.propagation not in _SHARED | _SLAVE:
            continue
        point = max((p for p in points if _holds(p.target, bind.source)), key=lambda p: len(p.target))
        receives = point.shared or any(word.startswith("master:") for word in point.optional)
        if bind.propagation in _SHARED and not point.shared:
            raise NotShared(bind.source, point.target, "shared")
        if bind.propagation in _SLAVE and not receives:
            raise NotShared(bind.source, point.target, "shared or slave")


def _holds(directory: str, path: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def _overridden(destination: str, taken: frozenset[str]) -> bool:
    """Whoever mounts a /dev of their own gets nothing of ours below it."""
    return destination in taken or ("/dev" in taken and destination.startswith("/dev/"))


def _defaults(settings: Settings) -> list[Filesystem]:
    mounts = list(_DEFAULTS)
    if settings.shm_path:
        mounts.append(Filesystem("/dev/shm", "bind", settings.shm_path, ("rbind", "rprivate")))
    elif settings.shm_size:
        options = (*_SAFE, "mode=1777", f"size={settings.shm_size}")
        mounts.append(Filesystem("/dev/shm", "tmpfs", "shm", options))
    return [_permitted(mount, settings) for mount in mounts]


def _permitted(mount: Filesystem, settings: Settings) -> Filesystem:
    """The mount with the `ro` that privileges and a read-only root call for."""
    writable = settings.process.privileged and mount.type in ("sysfs", "cgroup")
    writable |= mount.type == "cgroup" and (settings.writable_cgroups or bool(settings.uid_maps))
    options = tuple(word for word in mount.options if word != "ro") if writable else mount.options
    if settings.readonly_rootfs and mount.destination not in _WRITABLE_IN_READONLY_ROOTFS and "ro" not in options:
        options = (*options, "ro")
    return Filesystem(mount.destination, mount.type, mount.source, options)


def _asked(mount: Bind | Tmpfs | Filesystem, host: Host) -> dict[str, Any]:
    destination = posixpath.normpath(mount.destination)
    if isinstance(mount, Bind):
        options = (
            "rbind" if mount.recursive else "bind",
            *_read_only_word(mount, host),
            *((mount.propagation,) if mount.propagation else ()),
        )
        return _encoded(destination, "bind", mount.source, options)
    if isinstance(mount, Tmpfs):
        return _encoded(destination, "tmpfs", "tmpfs", merge_tmpfs_options((*_TMPFS_DEFAULTS, *mount.options)))
    return _encoded(destination, mount.type, mount.source, mount.options)


def _read_only_word(bind: Bind, host: Host) -> tuple[str, ...]:
    match bind.read_only:
        case ReadOnly.NO:
            return ()
        case ReadOnly.TOP:
            return ("ro",)
        case ReadOnly.RECURSIVE:
            return ("rro",) if host.recursive_read_only else ("ro",)
        case ReadOnly.RECURSIVE_OR_FAIL:
            if not host.recursive_read_only:
                raise CannotMountReadOnlyRecursively(bind.destination)
            return ("rro",)


def merge_tmpfs_options(words: Sequence[str]) -> tuple[str, ...]:
    """The words that count, in order: a later one replaces an earlier one about the same. BadTmpfsOption if unknown."""
    merged: dict[str, str] = {}
    for word in words:
        key, separator, _ = word.partition("=")
        if key not in (_TMPFS_KEYS if separator else _TMPFS_FLAGS):
            raise BadTmpfsOption(word)
        subject = key if separator else _subject(word)
        merged.pop(subject, None)
        merged[subject] = word
    return tuple(merged.values())


def _subject(flag: str) -> str:
    """What a flag decides: `exec` for both exec and noexec."""
    return {"ro": "writing", "rw": "writing", "async": "sync"}.get(flag, flag.removeprefix("no"))


def _encoded(destination: str, kind: str, source: str, options: Sequence[str]) -> dict[str, Any]:
    return {"destination": destination, "type": kind, "source": source, "options": options}
