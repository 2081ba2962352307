"""What a test must not leave on the machine: seen before and after, with what is new reported by name.

Knows where the kernel lists things. Must not know what a test did. Only processes in our network namespace count, and
only control groups that are empty, so that another run on the same machine is rarely blamed on this one.
"""

from __future__ import annotations

import gc
import os
import re
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

PATIENCE = 3.0
"""Seconds that the kernel, and what was just killed, may take to be gone."""

_CGROUP = re.compile(r"wherry|[0-9a-f]{64}")

Seen = Counter[str]


def look() -> Seen:
    """All that there is now, one line per thing."""
    gc.collect()
    parts = (_mounts, _links, _namespaces, _tables, _cgroups, _processes, _fds)
    return Counter(line for part in parts for line in part())


def left_over(before: Seen) -> list[str]:
    """What is there and was not before; waits up to PATIENCE for it to go."""
    deadline = time.monotonic() + PATIENCE
    while new := look() - before:
        if time.monotonic() > deadline:
            return sorted(new.elements())
        time.sleep(0.05)
    return []


def _mounts() -> Iterator[str]:
    """A network namespace bound to a file is one of them, wherever the file is."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, rest = line.partition(" - ")
        yield f"mount {fields.split()[4]} ({rest.split()[0]})"


def _links() -> Iterator[str]:
    return (f"link {name}" for _, name in socket.if_nameindex())


def _namespaces() -> Iterator[str]:
    folder = Path("/run/netns")
    return (f"namespace file {path}" for path in (folder.iterdir() if folder.is_dir() else ()))


def _tables() -> Iterator[str]:
    done = subprocess.run(["nft", "list", "tables"], check=True, capture_output=True, text=True)
    return (f"nftables {line}" for line in done.stdout.splitlines())


def _cgroups() -> Iterator[str]:
    for folder, _, files in os.walk("/sys/fs/cgroup"):
        if "cgroup.procs" in files and _CGROUP.search(os.path.basename(folder)):
            try:
                empty = not Path(folder, "cgroup.procs").read_text()
            except OSError:
                continue
            if empty:
                yield f"empty control group {folder}"


def _processes() -> Iterator[str]:
    """Our own children, even those that only wait to be waited for, and what is called wherry in our network."""
    ours = os.readlink("/proc/self/ns/net")
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            named = "wherry" in command and folder.name != str(os.getpid())
            if parent == os.getpid() or (named and os.readlink(folder / "ns/net") == ours):
                yield f"process {folder.name}: {command or 'ended'}"
        except OSError:
            continue


def _fds() -> Iterator[str]:
    for entry in os.listdir("/proc/self/fd"):
        try:
            yield f"descriptor {entry}: {os.readlink(f'/proc/self/fd/{entry}')}"
        except FileNotFoundError:
            continue
