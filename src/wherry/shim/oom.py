"""How often the kernel has killed in a container's memory cgroup, and ending what is left in it.

Knows where cgroup v1 and v2 keep the counter and the list of processes (cgroups(7); memory.txt and cgroup-v2.rst of the
kernel's documentation). Must not know limits.
"""

from __future__ import annotations

import os
import signal

_ROOT = "/sys/fs/cgroup"


class OomCounter:
    """Made while the process lives: afterwards /proc no longer tells its cgroup."""

    def __init__(self, directory: str, events: str) -> None:
        self._directory = directory
        self._events = f"{directory}/{events}"

    @classmethod
    def of(cls, pid: int) -> OomCounter | None:
        try:
            with open(f"/proc/{pid}/cgroup", encoding="utf-8", errors="surrogateescape") as file:
                lines = [line.rstrip("\n").split(":", 2) for line in file]
        except (FileNotFoundError, ProcessLookupError):
            return None
        for _, controllers, path in lines:
            if "memory" in controllers.split(","):
                return cls(f"{_ROOT}/memory{path}", "memory.oom_control")
        for _, controllers, path in lines:
            if not controllers:
                return cls(f"{_ROOT}{path}", "memory.events")
        return None

    def _count(self) -> int:
        try:
            with open(self._events, encoding="ascii") as file:
                counts = dict(line.split() for line in file)
        except (OSError, ValueError):
            return 0
        return int(counts.get("oom_kill", 0))

    def happened(self) -> bool:
        """Whether it has happened in this run: the cgroup is as old as the run."""
        return self._count() > 0

    def kill_rest(self) -> None:
        """SIGKILL every process of the cgroup."""
        try:
            with open(f"{self._directory}/cgroup.procs", encoding="ascii") as file:
                pids = [int(line) for line in file]
        except (OSError, ValueError):
            return
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
