"""Which namespaces a container has of its own, and the kernel settings that belong to them.

Knows namespaces(7) and the sections `linux.namespaces` and `linux.sysctl` (config-linux.md). Must not know what is
done in them.
"""

from __future__ import annotations

from typing import Any

from wherry import errors
from wherry.linux.cgroups.detect import Mode
from wherry.runtime.spec.host import Host
from wherry.runtime.spec.settings import HOST, PRIVATE, IdMap, Settings

_IPC_SYSCTLS = frozenset(
    {
        "kernel.msgmax",
        "kernel.msgmnb",
        "kernel.msgmni",
        "kernel.sem",
        "kernel.shmall",
        "kernel.shmmax",
        "kernel.shmmni",
        "kernel.shm_rmid_forced",
    }
)
_NETWORK_DEFAULTS = {"net.ipv4.ip_unprivileged_port_start": "0", "net.ipv4.ping_group_range": "0 2147483647"}
"""Ports below 1024 and ping for everybody: harmless in a namespace of one's own."""


class NotNamespaced(errors.InvalidArgument):
    def __init__(self, name: str) -> None:
        super().__init__(
            f'sysctl "{name}" is not in a separate kernel namespace', hint="only settings of a namespace can be changed"
        )
        self.name = name


class SharedNamespace(errors.InvalidArgument):
    """`kind` is network or ipc."""

    def __init__(self, name: str, kind: str) -> None:
        super().__init__(f'sysctl "{name}" not allowed in host {kind} namespace')
        self.name = name


def section(settings: Settings, host: Host) -> list[dict[str, str]]:
    """linux.namespaces"""
    asked = settings.namespaces
    cgroup = asked.cgroup or (PRIVATE if host.cgroup is Mode.V2 else HOST)
    kinds = [("mount", PRIVATE), ("network", asked.network)]
    if host.time_namespace:
        kinds.append(("time", PRIVATE))
    kinds += [("uts", asked.uts), ("pid", asked.pid), ("ipc", asked.ipc), ("cgroup", cgroup), ("user", asked.user)]
    return [_namespace(kind, value) for kind, value in kinds if value != HOST]


def id_maps(maps: tuple[IdMap, ...]) -> list[dict[str, int]]:
    """linux.uidMappings or linux.gidMappings"""
    return [{"containerID": each.container, "hostID": each.host, "size": each.size} for each in maps]


def sysctls(settings: Settings) -> dict[str, str]:
    """linux.sysctl: what was asked for, over Docker's defaults for a network of one's own."""
    for name in settings.sysctls:
        _check(name, settings)
    result: dict[str, str] = {}
    if settings.namespaces.network != HOST and not settings.joins_network:
        result |= _NETWORK_DEFAULTS
    if settings.domainname and settings.namespaces.uts == PRIVATE:
        result["kernel.domainname"] = settings.domainname
    return result | settings.sysctls


def _check(name: str, settings: Settings) -> None:
    if name.startswith("net."):
        if settings.namespaces.network == HOST:
            raise SharedNamespace(name, "network")
    elif name in _IPC_SYSCTLS or name.startswith("fs.mqueue."):
        if settings.namespaces.ipc == HOST:
            raise SharedNamespace(name, "ipc")
    else:
        raise NotNamespaced(name)


def _namespace(kind: str, value: str) -> dict[str, Any]:
    return {"type": kind} if value == PRIVATE else {"type": kind, "path": value}
