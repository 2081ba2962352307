"""A control group in the v1 hierarchies: one directory for each controller.

Knows the files of admin-guide/cgroup-v1 in the kernel's documentation. Must not know what runs in the group.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass

from wherry.linux.cgroups import files
from wherry.linux.cgroups.statistics import BlockIo, Cpu, DeviceCount, Memory, Tasks

_TICK = 10_000_000
"""Nanoseconds of a unit in cpuacct.stat: USER_HZ is 100 on every architecture."""

_UNLIMITED = 1 << 62
"""memory.limit_in_bytes without a limit is the largest multiple of a page in 63 bits."""


@dataclass(frozen=True, slots=True)
class Cgroup:
    """`directories` by controller; several controllers may share one hierarchy and so one directory.

    A v2 hierarchy that is mounted beside them counts as one more, under the name "".
    """

    path: str
    directories: dict[str, str]

    def create(self) -> None:
        for directory in self._each():
            os.makedirs(directory, exist_ok=True)
        if "cpuset" in self.directories:
            _fill_cpuset(self.directories["cpuset"])

    def remove(self) -> None:
        for directory in self._each():
            files.remove_below(directory)

    def add(self, pid: int) -> None:
        for directory in self._each():
            files.write(f"{directory}/cgroup.procs", str(pid))

    def pids(self) -> list[int]:
        return files.pids_below(self._any("freezer", "pids", "memory", "devices"))

    def freeze(self) -> None:
        files.write(self._file("freezer", "freezer.state"), "FROZEN")

    def thaw(self) -> None:
        files.write(self._file("freezer", "freezer.state"), "THAWED")

    def frozen(self) -> bool:
        return files.read(self._file("freezer", "freezer.state")).strip() == "FROZEN"

    def kill(self) -> None:
        """A process that forks meanwhile is met in the next round; the rounds end when all are dead or dying."""
        seen: set[int] = set()
        while fresh := set(self.pids()) - seen:
            for pid in fresh:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            seen |= fresh
            time.sleep(0)

    def oom_kills(self) -> int:
        return files.pairs(self._file("memory", "memory.oom_control")).get("oom_kill", 0)

    def cpu(self) -> Cpu:
        times = files.pairs(self._file("cpuacct", "cpuacct.stat"))
        throttling = files.pairs(self._file("cpu", "cpu.stat"))
        return Cpu(
            usage=files.number(self._file("cpuacct", "cpuacct.usage")) or 0,
            user=times.get("user", 0) * _TICK,
            system=times.get("system", 0) * _TICK,
            per_cpu=tuple(files.numbers(self._file("cpuacct", "cpuacct.usage_percpu"))),
            periods=throttling.get("nr_periods", 0),
            throttled_periods=throttling.get("nr_throttled", 0),
            throttled_time=throttling.get("throttled_time", 0),
        )

    def memory(self) -> Memory:
        limit = files.number(self._file("memory", "memory.limit_in_bytes"))
        return Memory(
            usage=files.number(self._file("memory", "memory.usage_in_bytes")) or 0,
            limit=limit if limit is not None and limit < _UNLIMITED else None,
            peak=files.number(self._file("memory", "memory.max_usage_in_bytes")) or 0,
            failures=files.number(self._file("memory", "memory.failcnt")) or 0,
            details=files.pairs(self._file("memory", "memory.stat")),
        )

    def tasks(self) -> Tasks:
        return Tasks(
            current=files.number(self._file("pids", "pids.current")) or 0,
            limit=files.number(self._file("pids", "pids.max")),
        )

    def block_io(self) -> BlockIo:
        """From the throttling layer, which counts whatever the I/O scheduler."""
        return BlockIo(
            bytes=_device_counts(files.read(self._file("blkio", "blkio.throttle.io_service_bytes_recursive"))),
            operations=_device_counts(files.read(self._file("blkio", "blkio.throttle.io_serviced_recursive"))),
        )

    def _each(self) -> list[str]:
        return sorted(set(self.directories.values()))

    def _file(self, controller: str, name: str) -> str:
        directory = self.directories.get(controller)
        return f"{directory}/{name}" if directory else "/nonexistent"

    def _any(self, *controllers: str) -> str:
        for controller in (*controllers, *self.directories):
            if controller in self.directories:
                return self.directories[controller]
        return "/nonexistent"


def _fill_cpuset(directory: str) -> None:
    """Give a new group its parent's CPUs and memory nodes: without both it takes no process."""
    parent = os.path.dirname(directory)
    for name in ("cpuset.cpus", "cpuset.mems"):
        if files.read(f"{directory}/{name}").strip():
            continue
        if not files.read(f"{parent}/{name}").strip():
            _fill_cpuset(parent)
        files.write(f"{directory}/{name}", files.read(f"{parent}/{name}").strip())


def _device_counts(text: str) -> tuple[DeviceCount, ...]:
    """Lines such as "8:0 Read 4096"; the last line, a sum over all devices, is left out."""
    counts = []
    for line in text.splitlines():
        fields = line.split()
        if len(fields) == 3:
            major, _, minor = fields[0].partition(":")
            counts.append(DeviceCount(int(major), int(minor), fields[1].lower(), int(fields[2])))
    return tuple(counts)
