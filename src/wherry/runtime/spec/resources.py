"""Limits, in the words of cgroup v1 that the specification uses; on v2 the runtime translates them.

Knows the section `linux.resources` (config-linux.md, "Control groups") but for devices. Must not know why there is a
limit.
"""

from __future__ import annotations

from typing import Any

from wherry.linux.cgroups.detect import Mode
from wherry.runtime.spec.settings import DeviceRate, Resources

_PERIOD = 100_000
"""Microseconds; the kernel's default."""


def section(asked: Resources, mode: Mode) -> dict[str, Any]:
    """Only what is set, so that it also serves to change a running container."""
    sections = {"memory": _memory(asked, mode), "cpu": _cpu(asked), "blockIO": _block_io(asked)}
    result: dict[str, Any] = {name: value for name, value in sections.items() if value}
    if asked.pids_limit is not None:
        result["pids"] = {"limit": asked.pids_limit if asked.pids_limit > 0 else -1}
    if asked.hugepages:
        result["hugepageLimits"] = [{"pageSize": each.page_size, "limit": each.limit} for each in asked.hugepages]
    return result


def _memory(asked: Resources, mode: Mode) -> dict[str, Any]:
    result: dict[str, Any] = {}
    if asked.memory:
        result["limit"] = asked.memory
    if asked.memory_swap:
        result["swap"] = asked.memory_swap
    if asked.memory_reservation:
        result["reservation"] = asked.memory_reservation
    if mode is not Mode.V2:
        if asked.memory_swappiness is not None and asked.memory_swappiness >= 0:
            result["swappiness"] = asked.memory_swappiness
        if asked.oom_kill_disable:
            result["disableOOMKiller"] = True
    return result


def _cpu(asked: Resources) -> dict[str, Any]:
    values: dict[str, Any] = {
        "shares": asked.cpu_shares,
        "quota": asked.cpu_quota,
        "period": asked.cpu_period,
        "realtimePeriod": asked.cpu_realtime_period,
        "realtimeRuntime": asked.cpu_realtime_runtime,
        "cpus": asked.cpuset_cpus,
        "mems": asked.cpuset_mems,
    }
    if asked.nano_cpus:
        values["period"] = _PERIOD
        values["quota"] = asked.nano_cpus * _PERIOD // 1_000_000_000
    return {name: value for name, value in values.items() if value}


def _block_io(asked: Resources) -> dict[str, Any]:
    result: dict[str, Any] = {
        "weight": asked.blkio_weight,
        "weightDevice": [
            {"major": each.major, "minor": each.minor, "weight": each.weight} for each in asked.blkio_weight_device
        ],
        "throttleReadBpsDevice": _rates(asked.blkio_read_bps),
        "throttleWriteBpsDevice": _rates(asked.blkio_write_bps),
        "throttleReadIOPSDevice": _rates(asked.blkio_read_iops),
        "throttleWriteIOPSDevice": _rates(asked.blkio_write_iops),
    }
    return {name: value for name, value in result.items() if value}


def _rates(rates: tuple[DeviceRate, ...]) -> list[dict[str, int]]:
    return [{"major": each.major, "minor": each.minor, "rate": each.rate} for each in rates]
