"""What a control group has used, in the same words for v1 and v2.

Times are nanoseconds, sizes bytes. A limit that is not set is None.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Cpu:
    usage: int = 0
    user: int = 0
    system: int = 0
    per_cpu: tuple[int, ...] = ()
    """Empty in v2, which does not count them."""
    periods: int = 0
    throttled_periods: int = 0
    throttled_time: int = 0


@dataclass(frozen=True, slots=True)
class Memory:
    usage: int = 0
    limit: int | None = None
    peak: int = 0
    failures: int = 0
    """v1: how often the limit was hit; v2: how often the group was out of memory."""
    details: dict[str, int] = field(default_factory=dict)
    """The lines of memory.stat; the names differ between v1 and v2."""


@dataclass(frozen=True, slots=True)
class Tasks:
    current: int = 0
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class DeviceCount:
    """`operation` is "read", "write", "sync", "async", "discard" or "total"; v2 counts only "read" and "write"."""

    major: int
    minor: int
    operation: str
    value: int


@dataclass(frozen=True, slots=True)
class BlockIo:
    bytes: tuple[DeviceCount, ...] = ()
    operations: tuple[DeviceCount, ...] = ()
