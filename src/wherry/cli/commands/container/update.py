"""`wherry update`: change the limits of containers."""

from __future__ import annotations

from wherry.cli import flags
from wherry.cli.command import Command, Invocation
from wherry.cli.creation import checks
from wherry.cli.creation.request import restart_policy
from wherry.cli.failure import Failure
from wherry.client.transport import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_VALUES = (
    ("BlkioWeight", "blkio-weight"), ("CpuPeriod", "cpu-period"), ("CpuQuota", "cpu-quota"),
    ("CpuRealtimePeriod", "cpu-rt-period"), ("CpuRealtimeRuntime", "cpu-rt-runtime"), ("CpuShares", "cpu-shares"),
    ("NanoCpus", "cpus"), ("CpusetCpus", "cpuset-cpus"), ("CpusetMems", "cpuset-mems"), ("Memory", "memory"),
    ("MemoryReservation", "memory-reservation"), ("MemorySwap", "memory-swap"), ("PidsLimit", "pids-limit"),
)  # fmt: skip


def _run(call: Invocation) -> int:
    options = call.options
    body: dict[str, Any] = {key: options.value(flag) for key, flag in _VALUES if options.given(flag)}
    if options.given("restart"):
        body["RestartPolicy"] = restart_policy(options.text("restart"))
    if not body:
        raise Failure("you must provide one or more flags when using this command")
    warnings: list[str] = []

    def update(name: str) -> None:
        answer = call.engine.post(f"/containers/{quote(name)}/update", json=body)
        warnings.extend(answer.get("Warnings") or ())

    code = call.each(update)
    if warnings:
        print("\n".join(warnings))
    return code


COMMAND = Command(
    _run,
    "Change the limits of containers",
    "[OPTIONS] CONTAINER [CONTAINER...]",
    least=1,
    most=None,
    flags=(
        flags.number("blkio-weight", "", "Weight of block I/O, 10 to 1000; 0 for none", kind="uint16"),
        flags.number("cpu-period", "", "Period of the CPU bandwidth limit, in microseconds"),
        flags.number("cpu-quota", "", "CPU time per period, in microseconds"),
        flags.number("cpu-rt-period", "", "Period of the real-time limit, in microseconds"),
        flags.number("cpu-rt-runtime", "", "Real-time CPU time per period, in microseconds"),
        flags.number("cpu-shares", "c", "Weight of CPU time"),
        flags.value("cpus", "", "Number of CPUs, 1.5 for one and a half", "decimal", checks.cpus, default=0),
        flags.text("cpuset-cpus", "", "CPUs to run on (0-3, 0,1)"),
        flags.text("cpuset-mems", "", "Memory nodes to use (0-3, 0,1)"),
        flags.value("memory", "m", "Limit of memory", "bytes", checks.size, default=0),
        flags.value("memory-reservation", "", "Memory to keep if memory gets short", "bytes", checks.size, default=0),
        flags.value(
            "memory-swap", "", "Limit of memory and swap together, -1 for none", "bytes", checks.swap_size, default=0
        ),
        flags.number("pids-limit", "", "Limit of processes and threads, -1 for none"),
        flags.text("restart", "", "When to start the container again"),
    ),
    examples=("update --memory 256m --memory-swap 512m web", "update --restart unless-stopped web"),
)
