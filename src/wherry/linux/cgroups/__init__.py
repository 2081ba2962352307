"""Control groups: how a set of processes is limited, counted, frozen and ended.

Knows both kernel interfaces, cgroup v1 (admin-guide/cgroup-v1 of the kernel's documentation) and v2 (cgroup-v2.rst),
and gives them one face. Must not know what runs in a group.

    detect      which hierarchies are mounted where
    v1, v2      one group in either interface
    statistics  what a group has used, as values
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from typing import Protocol

from wherry.linux.cgroups import detect, statistics, v1, v2
from wherry.linux.cgroups.detect import Hierarchies, Mode

__all__ = ["Cgroup", "Hierarchies", "Mode", "at", "detect", "from_membership", "missing_v1", "of_pid", "statistics"]


class Cgroup(Protocol):
    """One group. Every method tells OSError with the file; a group that is gone reads as empty or zero."""

    @property
    def path(self) -> str:
        """Absolute within the hierarchies, such as "/docker/0123…"."""
        ...

    def create(self) -> None:
        """Make the group and its parents; nothing happens if it exists."""
        ...

    def remove(self) -> None:
        """Remove the group and those below it. OSError EBUSY while processes are in it; nothing happens if absent."""
        ...

    def add(self, pid: int) -> None:
        """Move a process into the group."""
        ...

    def pids(self) -> list[int]:
        """The processes in the group and those below it."""
        ...

    def freeze(self) -> None:
        """Ask for all processes to be stopped; `frozen` tells when they are."""
        ...

    def thaw(self) -> None: ...

    def frozen(self) -> bool: ...

    def kill(self) -> None:
        """SIGKILL every process of the group and those below it; they end soon after, frozen ones when thawed (v1)."""
        ...

    def oom_kills(self) -> int:
        """How many processes the kernel has killed here for want of memory."""
        ...

    def cpu(self) -> statistics.Cpu: ...

    def memory(self) -> statistics.Memory: ...

    def tasks(self) -> statistics.Tasks: ...

    def block_io(self) -> statistics.BlockIo: ...


def at(path: str, hierarchies: Hierarchies | None = None) -> Cgroup:
    """The group of this path in every hierarchy, whether it exists or not."""
    found = hierarchies or detect.mounted()
    if found.mode is Mode.V2:
        return v2.Cgroup(found.unified, path)
    return v1.Cgroup(path, {name: root + path for name, root in found.roots().items()})


def of_pid(pid: int, hierarchies: Hierarchies | None = None) -> Cgroup:
    """The group a process is in. ProcessLookupError if there is no such process."""
    try:
        with open(f"/proc/{pid}/cgroup", encoding="utf-8", errors="surrogateescape") as file:
            membership = detect.parse_membership(file.read())
    except FileNotFoundError:
        raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH), str(pid)) from None
    return from_membership(membership, hierarchies or detect.mounted())


def from_membership(membership: Mapping[str, str], hierarchies: Hierarchies) -> Cgroup:
    """The group described by a parsed /proc/PID/cgroup; in v1 a process may be in different ones per controller."""
    if hierarchies.mode is Mode.V2:
        return v2.Cgroup(hierarchies.unified, membership.get(detect.UNIFIED, "/"))
    roots = hierarchies.roots().items()
    directories = {name: root + membership[name] for name, root in roots if name in membership}
    path = membership.get("freezer") or next(iter(membership.values()), "/")
    return v1.Cgroup(path, directories)


def missing_v1(hierarchies: Hierarchies | None = None) -> tuple[str, ...]:
    """Controllers that no v1 hierarchy has taken although v1 is in use, and that v2 therefore still offers.

    Some OCI runtimes refuse to work until each is mounted; empty when v1 is complete or not in use.
    """
    found = hierarchies or detect.mounted()
    if found.mode is not Mode.HYBRID:
        return ()
    with open(f"{found.unified}/cgroup.controllers", encoding="ascii") as file:
        return tuple(file.read().split())
