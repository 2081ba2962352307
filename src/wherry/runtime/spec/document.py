"""The whole document: config.json of a bundle, and process.json of an added process.

Knows how the sections are joined. Must not know how any of them is made.
"""

from __future__ import annotations

from typing import Any

import msgspec

from wherry.runtime.spec import devices, mounts, namespaces, process, resources, seccomp
from wherry.runtime.spec.host import Host
from wherry.runtime.spec.settings import PRIVATE, Process, Settings

VERSION = "1.0.2-dev"
"""The newest that runc 1.1 accepts; nothing here needs a newer one."""

_encoder = msgspec.json.Encoder()


def build(settings: Settings, host: Host) -> dict[str, Any]:
    """The document as plain values, but for `linux.seccomp`, which is encoded already (msgspec.Raw): use `encode`.

    Raises InvalidArgument, in Docker's words where it has some, for settings that cannot be had.
    """
    program = process.section(settings.process, host)
    if mounts.has_init(settings):
        program["args"] = (mounts.INIT_PATH, "--", *settings.process.args)
    document: dict[str, Any] = {
        "ociVersion": VERSION,
        "process": program,
        "root": {"path": settings.rootfs, "readonly": settings.readonly_rootfs},
        "mounts": mounts.section(settings, host),
        "linux": _linux(settings, host, program["capabilities"]["bounding"]),
    }
    if settings.hostname and settings.namespaces.uts == PRIVATE:
        document["hostname"] = settings.hostname
    if settings.annotations:
        document["annotations"] = settings.annotations
    return document


def exec_process(settings: Process, host: Host) -> dict[str, Any]:
    """The process.json that `exec --process` takes. The runtime applies the container's own filter of system calls."""
    return process.section(settings, host)


def encode(document: dict[str, Any]) -> bytes:
    return _encoder.encode(document)


def _linux(settings: Settings, host: Host, capabilities: tuple[str, ...]) -> dict[str, Any]:
    limits = resources.section(settings.resources, host.cgroup)
    limits["devices"] = devices.rules(settings)
    section: dict[str, Any] = {
        "cgroupsPath": settings.cgroup_path,
        "namespaces": namespaces.section(settings, host),
        "resources": limits,
        "devices": devices.section(settings),
        "sysctl": namespaces.sysctls(settings),
        "maskedPaths": mounts.masked(settings, host),
        "readonlyPaths": mounts.readonly(settings),
    }
    if settings.uid_maps:
        section["uidMappings"] = namespaces.id_maps(settings.uid_maps)
        section["gidMappings"] = namespaces.id_maps(settings.gid_maps)
    if propagation := mounts.rootfs_propagation(settings):
        section["rootfsPropagation"] = propagation
    profile = seccomp.UNCONFINED if _filterless(settings) else settings.seccomp
    if (calls := seccomp.section(profile, capabilities, host.machine, host.kernel)) is not None:
        section["seccomp"] = calls
    return section


def _filterless(settings: Settings) -> bool:
    """Privileges lift the default filter, not one that was asked for."""
    return settings.process.privileged and settings.seccomp == seccomp.DEFAULT
