"""Capabilities by number and name.

Knows the names of capabilities(7) and where the kernel tells which a process has. Must not know which a container
should get. The order is the numbering of linux/capability.h.
"""

from __future__ import annotations

NAMES: tuple[str, ...] = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
)
"""NAMES[n] is capability number n."""

_NUMBERS = {name: number for number, name in enumerate(NAMES)}


def number(name: str) -> int:
    """The number of `CAP_…`; KeyError if there is no such name."""
    return _NUMBERS[name]


def from_mask(mask: int) -> tuple[str, ...]:
    """The names of the bits set, by number. A bit newer than NAMES is left out: nobody could ask for it by name."""
    return tuple(name for bit, name in enumerate(NAMES) if mask >> bit & 1)


def to_mask(names: tuple[str, ...] | list[str]) -> int:
    mask = 0
    for name in names:
        mask |= 1 << _NUMBERS[name]
    return mask


def last() -> int:
    """The highest number the running kernel knows."""
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as file:
        return int(file.read())


def parse_status(text: str) -> dict[str, int]:
    """The masks in a /proc/PID/status, under the kernel's names: CapInh, CapPrm, CapEff, CapBnd, CapAmb."""
    pairs = (line.split(":", 1) for line in text.splitlines() if line.startswith("Cap"))
    return {name: int(mask, 16) for name, mask in pairs}


def effective(pid: int | str = "self") -> tuple[str, ...]:
    """The effective capabilities of a process: what it can hand on to a child."""
    with open(f"/proc/{pid}/status", encoding="utf-8", errors="surrogateescape") as file:
        return from_mask(parse_status(file.read())["CapEff"])
