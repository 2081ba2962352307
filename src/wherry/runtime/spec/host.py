"""What the host's kernel and an OCI runtime can do, as far as it changes the document.

Knows where the kernel tells it. Must not know what is asked for.
"""

from __future__ import annotations

import glob
import os
import re

import msgspec

from wherry.linux import capabilities
from wherry.linux.cgroups import detect


class Features(msgspec.Struct, frozen=True):
    """What a runtime says in `features`. Runtimes without that command are taken to have nothing optional."""

    namespaces: frozenset[str] = frozenset()
    mount_options: frozenset[str] = frozenset()


class Host(msgspec.Struct, frozen=True, kw_only=True):
    machine: str
    """As uname(2) names it, such as "x86_64"."""
    kernel: tuple[int, int]
    capabilities: tuple[str, ...]
    """Those that can be given to a container."""
    cgroup: detect.Mode
    time_namespaces: bool = False
    thermal_throttle: tuple[str, ...] = ()
    """Paths in /sys that tell the temperature of CPUs."""
    features: Features = Features()

    @classmethod
    def probe(cls, features: Features) -> Host:
        """The host this runs on. The facts do not change while it is up, but for hot-plugged CPUs."""
        uname = os.uname()
        return cls(
            machine=uname.machine,
            kernel=parse_release(uname.release),
            capabilities=capabilities.effective(),
            cgroup=detect.mounted().mode,
            time_namespaces=os.path.exists("/proc/self/ns/time"),
            thermal_throttle=tuple(sorted(glob.glob("/sys/devices/system/cpu/cpu[0-9]*/thermal_throttle"))),
            features=features,
        )

    @property
    def recursive_read_only(self) -> bool:
        """mount_setattr(2) with AT_RECURSIVE is there since Linux 5.12."""
        return self.kernel >= (5, 12) and "rro" in self.features.mount_options

    @property
    def time_namespace(self) -> bool:
        return self.time_namespaces and "time" in self.features.namespaces


def parse_release(release: str) -> tuple[int, int]:
    """Version and patch level of a kernel release: (6, 1) for "6.1.0-13-amd64"."""
    found = re.match(r"(\d+)\.(\d+)", release)
    return (int(found[1]), int(found[2])) if found else (0, 0)
