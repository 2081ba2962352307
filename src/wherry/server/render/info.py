"""The engine and its host as `GET /info` shows them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import wherry
from wherry.api.versions import Version
from wherry.engine.info import SystemInfo

_V1_49, _V1_50, _V1_52 = Version(1, 49), Version(1, 50), Version(1, 52)
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}
_HUB = "docker.io"


def architecture(machine: str) -> str:
    """A machine of uname(2) in Go's words, as images and `version` call it."""
    return _MACHINES.get(machine, machine)


def info(host: SystemInfo, version: Version) -> dict[str, Any]:
    """`Swarm`, `Plugins` and `RegistryConfig` must be there in full: clients look into them without asking."""
    written: dict[str, Any] = {
        "ID": host.id,
        "Containers": host.containers,
        "ContainersRunning": host.running,
        "ContainersPaused": host.paused,
        "ContainersStopped": host.stopped,
        "Images": host.images,
        "Driver": host.driver,
        "DriverStatus": [],
        "Plugins": {
            "Volume": host.volume_drivers,
            "Network": host.network_drivers,
            "Authorization": None,
            "Log": host.log_drivers,
        },
        "MemoryLimit": True,
        "SwapLimit": True,
        "CpuCfsPeriod": True,
        "CpuCfsQuota": True,
        "CPUShares": True,
        "CPUSet": True,
        "PidsLimit": True,
        "IPv4Forwarding": host.ip_forwarding,
        "Debug": host.debug,
        "NFd": host.descriptors,
        "OomKillDisable": host.cgroup_version == "1",
        "NGoroutines": host.tasks,
        "SystemTime": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "LoggingDriver": "json-file",
        "CgroupDriver": host.cgroup_driver,
        "CgroupVersion": host.cgroup_version,
        "NEventsListener": host.listeners,
        "KernelVersion": host.kernel,
        "OperatingSystem": host.operating_system,
        "OSVersion": host.os_version,
        "OSType": "linux",
        "Architecture": host.architecture,
        "IndexServerAddress": "https://index.docker.io/v1/",
        "RegistryConfig": _registry_config(version),
        "NCPU": host.cpus,
        "MemTotal": host.memory,
        "GenericResources": None,
        "DockerRootDir": host.root,
        "HttpProxy": "",
        "HttpsProxy": "",
        "NoProxy": "",
        "Name": host.name,
        "Labels": host.labels,
        "ExperimentalBuild": False,
        "ServerVersion": wherry.__version__,
        "Runtimes": {name: {"path": path} for name, path in host.runtimes.items()},
        "DefaultRuntime": host.default_runtime,
        "Swarm": {
            "NodeID": "",
            "NodeAddr": "",
            "LocalNodeState": "inactive",
            "ControlAvailable": False,
            "Error": "",
            "RemoteManagers": None,
        },
        "LiveRestoreEnabled": True,
        "Isolation": "",
        "InitBinary": host.init_binary,
        "ContainerdCommit": _no_commit(version),
        "RuncCommit": _no_commit(version),
        "InitCommit": _no_commit(version),
        "SecurityOptions": host.security_options,
        "Warnings": None,
        "CDISpecDirs": [],
    }
    if version < _V1_50:
        written |= {"BridgeNfIptables": False, "BridgeNfIp6tables": False}
    if version < _V1_52:
        written["KernelMemoryTCP"] = False
    if version >= _V1_49:
        written["FirewallBackend"] = {"Driver": "nftables"}
    return written


def _registry_config(version: Version) -> dict[str, Any]:
    written: dict[str, Any] = {
        "InsecureRegistryCIDRs": ["::1/128", "127.0.0.0/8"],
        "IndexConfigs": {_HUB: {"Name": _HUB, "Mirrors": [], "Secure": True, "Official": True}},
        "Mirrors": None,
    }
    if version < _V1_49:
        written |= {"AllowNondistributableArtifactsCIDRs": None, "AllowNondistributableArtifactsHostnames": None}
    return written


def _no_commit(version: Version) -> dict[str, str]:
    return {"ID": "", "Expected": ""} if version < _V1_49 else {"ID": ""}
