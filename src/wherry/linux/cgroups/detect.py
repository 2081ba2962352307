"""Which control group hierarchies there are, from what /proc says.

Knows the lines of /proc/PID/mounts and /proc/PID/cgroup, proc(5) and cgroups(7). Must not know what is in the groups.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

UNIFIED = ""
"""The name of the v2 hierarchy in /proc/PID/cgroup."""

_CONTROLLERS = frozenset(
    {
        "cpu",
        "cpuacct",
        "cpuset",
        "memory",
        "devices",
        "freezer",
        "net_cls",
        "blkio",
        "perf_event",
        "net_prio",
        "hugetlb",
        "pids",
        "rdma",
        "misc",
    }
)


class Mode(enum.Enum):
    V1 = "v1"
    HYBRID = "hybrid"
    """Controllers are in v1 hierarchies; a v2 hierarchy is mounted beside them."""
    V2 = "v2"


@dataclass(frozen=True, slots=True)
class Hierarchies:
    """`controllers`: directory by v1 controller; named ones as "name=systemd". `unified`: directory of v2, or ""."""

    mode: Mode
    controllers: dict[str, str]
    unified: str

    def roots(self) -> dict[str, str]:
        """Directory by the names of `parse_membership`: all hierarchies a process is in."""
        return {**self.controllers, UNIFIED: self.unified} if self.unified else self.controllers


class NotMounted(RuntimeError):
    def __init__(self) -> None:
        super().__init__("no cgroup file system is mounted")


def parse_mounts(text: str) -> Hierarchies:
    """The hierarchies in a /proc/PID/mounts. A hierarchy mounted twice counts where it was mounted first."""
    controllers: dict[str, str] = {}
    unified = ""
    for line in text.splitlines():
        _, target, fstype, options, *_ = line.split(" ")
        if fstype == "cgroup2":
            unified = unified or target
        elif fstype == "cgroup":
            for word in options.split(","):
                if word in _CONTROLLERS or word.startswith("name="):
                    controllers.setdefault(word, target)
    if any(name in _CONTROLLERS for name in controllers):
        return Hierarchies(Mode.HYBRID if unified else Mode.V1, controllers, unified)
    if unified:
        return Hierarchies(Mode.V2, {}, unified)
    raise NotMounted


def mounted() -> Hierarchies:
    """The hierarchies mounted here. NotMounted if there is none."""
    with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as file:
        return parse_mounts(file.read())


def parse_membership(text: str) -> dict[str, str]:
    """Path by controller from a /proc/PID/cgroup; `UNIFIED` is the key of v2."""
    paths: dict[str, str] = {}
    for line in text.splitlines():
        _, names, path = line.split(":", 2)
        for name in names.split(","):
            paths[name] = path
    return paths
