"""The section `process` (config.md, "Process"): a container's first program, or one added to it.

Knows the section. Must not know what the program does. HOME is left to the runtime, which takes it from the container's
/etc/passwd.
"""

from __future__ import annotations

from typing import Any

from wherry import errors
from wherry.runtime.spec import capabilities
from wherry.runtime.spec.host import Host
from wherry.runtime.spec.settings import Process, Rlimit

_UNLIMITED = (1 << 64) - 1
_OOM_SCORES = range(-1000, 1001)
_RLIMITS = frozenset(
    {
        "as",
        "core",
        "cpu",
        "data",
        "fsize",
        "locks",
        "memlock",
        "msgqueue",
        "nice",
        "nofile",
        "nproc",
        "rss",
        "rtprio",
        "rttime",
        "sigpending",
        "stack",
    }
)


class BadRlimit(errors.InvalidArgument):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)


class BadOomScore(errors.InvalidArgument):
    def __init__(self, value: int) -> None:
        super().__init__(f"Invalid value {value}, range for oom score adj is [-1000, 1000]")
        self.value = value


def section(process: Process, host: Host) -> dict[str, Any]:
    """The section, with the capabilities in the three sets that a program keeps over execve(2) as root."""
    granted = capabilities.effective(
        process.cap_add, process.cap_drop, privileged=process.privileged, available=host.capabilities
    )
    result: dict[str, Any] = {
        "terminal": process.terminal,
        "user": {
            "uid": process.user.uid,
            "gid": process.user.gid,
            "additionalGids": process.user.additional_gids,
        },
        "args": process.args,
        "env": process.env,
        "cwd": process.cwd,
        "capabilities": {"bounding": granted, "effective": granted, "permitted": granted},
        "noNewPrivileges": process.no_new_privileges,
    }
    if process.terminal and process.console_size:
        rows, columns = process.console_size
        result["consoleSize"] = {"height": rows, "width": columns}
    if process.rlimits:
        result["rlimits"] = [_rlimit(rlimit) for rlimit in process.rlimits]
    if process.oom_score_adj is not None:
        if process.oom_score_adj not in _OOM_SCORES:
            raise BadOomScore(process.oom_score_adj)
        result["oomScoreAdj"] = process.oom_score_adj
    if process.apparmor_profile:
        result["apparmorProfile"] = process.apparmor_profile
    return result


def _rlimit(rlimit: Rlimit) -> dict[str, Any]:
    if rlimit.name not in _RLIMITS:
        raise BadRlimit(f"invalid ulimit type: {rlimit.name}")
    soft, hard = (_UNLIMITED if value == -1 else value for value in (rlimit.soft, rlimit.hard))
    if soft > hard:
        raise BadRlimit(f"ulimit soft limit must be less than or equal to hard limit: {rlimit.soft} > {rlimit.hard}")
    return {"type": f"RLIMIT_{rlimit.name.upper()}", "soft": soft, "hard": hard}
