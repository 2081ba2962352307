"""Which program has a port of this host: proc_net(5) and the descriptors of all processes.

Slow, for the text of an error. Looks at the network namespace of the calling thread. No policy.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

_LOCAL_ADDRESS, _STATE, _INODE = 1, 3, 9
_BUSY_STATES = {"tcp": "0A", "udp": "07"}
"""Listening, and bound."""


def find(protocol: str, port: int) -> str:
    """ "name (pid 123)" of a program that listens on `port`, "" if none is found. `protocol` is tcp or udp."""
    inodes = {inode for table in (protocol, f"{protocol}6") for inode in _inodes(table, _BUSY_STATES[protocol], port)}
    if not inodes:
        return ""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if inodes & set(_sockets(pid)):
                with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
                    return f"{file.read().strip()} (pid {pid})"
    return ""


def _inodes(table: str, state: str, port: int) -> Iterator[str]:
    with contextlib.suppress(FileNotFoundError), open(f"/proc/thread-self/net/{table}", encoding="ascii") as file:
        next(file)
        for line in file:
            fields = line.split()
            if fields[_STATE] == state and int(fields[_LOCAL_ADDRESS].rpartition(":")[2], 16) == port:
                yield fields[_INODE]


def _sockets(pid: str) -> Iterator[str]:
    for entry in os.scandir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            target = os.readlink(entry.path)
            if target.startswith("socket:["):
                yield target[len("socket:[") : -1]
