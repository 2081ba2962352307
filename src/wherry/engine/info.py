"""What `docker info` tells of the host and of us.

Knows where Linux keeps these facts. Must not know the names Docker has for them in JSON.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

import msgspec

from wherry.engine.containers import Containers
from wherry.engine.machine import Phase
from wherry.linux.cgroups import detect
from wherry.runtime.binaries import Runtimes


class SystemInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes in bytes; `id` and `name` are the engine's."""

    id: str
    name: str
    root: str
    containers: int
    running: int
    paused: int
    stopped: int
    images: int
    driver: str
    kernel: str
    operating_system: str
    os_version: str
    architecture: str
    cpus: int
    memory: int
    cgroup_driver: str
    cgroup_version: str
    runtimes: dict[str, str]
    default_runtime: str
    init_binary: str
    log_drivers: tuple[str, ...]
    network_drivers: tuple[str, ...]
    volume_drivers: tuple[str, ...]
    security_options: tuple[str, ...]
    labels: tuple[str, ...]
    descriptors: int
    tasks: int
    listeners: int
    debug: bool
    ip_forwarding: bool


def release(text: str) -> tuple[str, str]:
    """Pretty name and version from os-release(5)."""
    fields = dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return (fields.get("PRETTY_NAME", "Linux").strip('"'), fields.get("VERSION_ID", "").strip('"'))


def engine_id(path: Path) -> str:
    """This engine's id: made once, kept in a file."""
    if path.exists():
        return path.read_text().strip()
    with Path("/proc/sys/kernel/random/uuid").open() as file:
        identifier = file.read().strip()
    path.write_text(identifier)
    return identifier


def collect(
    *,
    identifier: str,
    root: Path,
    containers: Containers,
    images: int,
    driver: str,
    runtimes: Runtimes,
    init_binary: str,
    log_drivers: tuple[str, ...],
    labels: tuple[str, ...],
    listeners: int,
    debug: bool,
) -> SystemInfo:
    phases = [container.state.phase for container in containers]
    running = sum(phase in (Phase.RUNNING, Phase.STOPPING, Phase.RESTARTING) for phase in phases)
    paused = phases.count(Phase.PAUSED)
    uname = os.uname()
    pretty, version = release(_read("/etc/os-release"))
    return SystemInfo(
        id=identifier,
        name=socket.gethostname(),
        root=str(root),
        containers=len(phases),
        running=running,
        paused=paused,
        stopped=len(phases) - running - paused,
        images=images,
        driver=driver,
        kernel=uname.release,
        operating_system=pretty,
        os_version=version,
        architecture=uname.machine,
        cpus=os.cpu_count() or 1,
        memory=_memory(),
        cgroup_driver="cgroupfs",
        cgroup_version="2" if detect.mounted().mode is detect.Mode.V2 else "1",
        runtimes={name: runtime.path for name, runtime in runtimes.all().items()},
        default_runtime=runtimes.default,
        init_binary=init_binary,
        log_drivers=log_drivers,
        network_drivers=("bridge", "host", "null"),
        volume_drivers=("local",),
        security_options=("name=seccomp,profile=builtin",),
        labels=labels,
        descriptors=len(os.listdir("/proc/self/fd")),
        tasks=len(os.listdir("/proc/self/task")),
        listeners=listeners,
        debug=debug,
        ip_forwarding=_read("/proc/sys/net/ipv4/ip_forward").strip() == "1",
    )


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def _memory() -> int:
    for line in _read("/proc/meminfo").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return 0
