"""A control group in the v2 hierarchy.

Knows the files of admin-guide/cgroup-v2.rst in the kernel's documentation. Must not know what runs in the group.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass

from wherry.linux.cgroups import files
from wherry.linux.cgroups.statistics import BlockIo, Cpu, DeviceCount, Memory, Tasks

_MICROSECOND = 1000


@dataclass(frozen=True, slots=True)
class Cgroup:
    """`root` is where the hierarchy is mounted."""

    root: str
    path: str

    @property
    def directory(self) -> str:
        return self.root + self.path

    def create(self) -> None:
        """Controllers that the parents have are switched on for the children on the way down."""
        os.makedirs(self.directory, exist_ok=True)
        directory = self.root
        for name in self.path.strip("/").split("/"):
            enable = " ".join("+" + each for each in files.read(f"{directory}/cgroup.controllers").split())
            files.write(f"{directory}/cgroup.subtree_control", enable)
            directory += "/" + name

    def remove(self) -> None:
        files.remove_below(self.directory)

    def add(self, pid: int) -> None:
        files.write(f"{self.directory}/cgroup.procs", str(pid))

    def pids(self) -> list[int]:
        return files.pids_below(self.directory)

    def freeze(self) -> None:
        files.write(f"{self.directory}/cgroup.freeze", "1")

    def thaw(self) -> None:
        files.write(f"{self.directory}/cgroup.freeze", "0")

    def frozen(self) -> bool:
        return files.pairs(f"{self.directory}/cgroup.events").get("frozen") == 1

    def kill(self) -> None:
        """cgroup.kill exists since Linux 5.14."""
        with contextlib.suppress(FileNotFoundError):
            files.write(f"{self.directory}/cgroup.kill", "1")

    def oom_kills(self) -> int:
        return files.pairs(f"{self.directory}/memory.events").get("oom_kill", 0)

    def cpu(self) -> Cpu:
        counts = files.pairs(f"{self.directory}/cpu.stat")
        return Cpu(
            usage=counts.get("usage_usec", 0) * _MICROSECOND,
            user=counts.get("user_usec", 0) * _MICROSECOND,
            system=counts.get("system_usec", 0) * _MICROSECOND,
            periods=counts.get("nr_periods", 0),
            throttled_periods=counts.get("nr_throttled", 0),
            throttled_time=counts.get("throttled_usec", 0) * _MICROSECOND,
        )

    def memory(self) -> Memory:
        return Memory(
            usage=files.number(f"{self.directory}/memory.current") or 0,
            limit=files.number(f"{self.directory}/memory.max"),
            peak=files.number(f"{self.directory}/memory.peak") or 0,
            failures=files.pairs(f"{self.directory}/memory.events").get("oom", 0),
            details=files.pairs(f"{self.directory}/memory.stat"),
        )

    def tasks(self) -> Tasks:
        return Tasks(
            current=files.number(f"{self.directory}/pids.current") or 0,
            limit=files.number(f"{self.directory}/pids.max"),
        )

    def block_io(self) -> BlockIo:
        """Lines such as "8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0"."""
        sizes, operations = [], []
        for line in files.read(f"{self.directory}/io.stat").splitlines():
            device, *fields = line.split()
            major, minor = map(int, device.split(":"))
            counts = dict(field.split("=", 1) for field in fields)
            for operation, prefix in (("read", "r"), ("write", "w")):
                sizes.append(DeviceCount(major, minor, operation, int(counts.get(f"{prefix}bytes", 0))))
                operations.append(DeviceCount(major, minor, operation, int(counts.get(f"{prefix}ios", 0))))
        return BlockIo(tuple(sizes), tuple(operations))
