"""`docker top`: the processes of a container, as ps(1) of the host prints them.

Knows the output of ps. Must not run anything of the container's: the host's ps looks at pids from the container's
cgroup.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Collection

import msgspec

from wherry import errors

_SECONDS = 10


class NoPidColumn(errors.Internal):
    def __init__(self) -> None:
        super().__init__("Couldn't find PID field in ps output")


class PsFailed(errors.Internal):
    def __init__(self, reason: str) -> None:
        super().__init__(f"Error running ps: {reason}")


class BadArguments(errors.InvalidArgument):
    def __init__(self, text: str) -> None:
        super().__init__(f"invalid ps arguments: {text}")


class Top(msgspec.Struct, frozen=True):
    titles: list[str]
    processes: list[list[str]]


def run(pids: Collection[int], arguments: str) -> Top:
    """ps with the given arguments ("" for -ef), reduced to these pids. Blocks. NoPidColumn, PsFailed, BadArguments."""
    try:
        words = shlex.split(arguments or "-ef")
    except ValueError as error:
        raise BadArguments(str(error)) from None
    if any(re.fullmatch(r"-?-?pid=?.*", word) and "=" in word for word in words):
        raise BadArguments(arguments)
    try:
        done = subprocess.run(["ps", *words], capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PsFailed(str(error)) from None
    if done.returncode != 0:
        raise PsFailed(done.stderr.strip() or f"status {done.returncode}")
    return parse(done.stdout, pids)


def parse(output: str, pids: Collection[int]) -> Top:
    """The table; the last column takes the rest of its line."""
    first, *lines = output.splitlines() or [""]
    titles = first.split()
    if "PID" not in titles:
        raise NoPidColumn
    column = titles.index("PID")
    processes = []
    for line in lines:
        fields = line.split(None, len(titles) - 1)
        if len(fields) > column and fields[column].isdecimal() and int(fields[column]) in pids:
            processes.append(fields)
    return Top(titles, processes)
