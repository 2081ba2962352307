"""Config and HostConfig in full, as Go writes them: every member, with its zero value where nothing was said."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from wherry.api import types as api
from wherry.api.versions import Version

_OMIT = object()
"""Go's omitempty: a member without content is not written."""

V1_44 = Version(1, 44)
V1_52 = Version(1, 52)

_CONFIG: dict[str, Any] = {
    "Hostname": "",
    "Domainname": "",
    "User": "",
    "AttachStdin": False,
    "AttachStdout": False,
    "AttachStderr": False,
    "ExposedPorts": _OMIT,
    "Tty": False,
    "OpenStdin": False,
    "StdinOnce": False,
    "Env": None,
    "Cmd": None,
    "Healthcheck": _OMIT,
    "ArgsEscaped": _OMIT,
    "Image": "",
    "Volumes": None,
    "WorkingDir": "",
    "Entrypoint": None,
    "NetworkDisabled": _OMIT,
    "OnBuild": None,
    "Labels": None,
    "StopSignal": _OMIT,
    "StopTimeout": _OMIT,
    "Shell": _OMIT,
}

_HOST_CONFIG: dict[str, Any] = {
    "Binds": None,
    "ContainerIDFile": "",
    "LogConfig": {"Type": "", "Config": None},
    "NetworkMode": "",
    "PortBindings": None,
    "RestartPolicy": {"Name": "", "MaximumRetryCount": 0},
    "AutoRemove": False,
    "VolumeDriver": "",
    "VolumesFrom": None,
    "ConsoleSize": [0, 0],
    "Annotations": _OMIT,
    "CapAdd": None,
    "CapDrop": None,
    "CgroupnsMode": "",
    "Dns": None,
    "DnsOptions": None,
    "DnsSearch": None,
    "ExtraHosts": None,
    "GroupAdd": None,
    "IpcMode": "",
    "Cgroup": "",
    "Links": None,
    "OomScoreAdj": 0,
    "PidMode": "",
    "Privileged": False,
    "PublishAllPorts": False,
    "ReadonlyRootfs": False,
    "SecurityOpt": None,
    "StorageOpt": _OMIT,
    "Tmpfs": _OMIT,
    "UTSMode": "",
    "UsernsMode": "",
    "ShmSize": 0,
    "Sysctls": _OMIT,
    "Runtime": _OMIT,
    "Isolation": "",
    "CpuShares": 0,
    "Memory": 0,
    "NanoCpus": 0,
    "CgroupParent": "",
    "BlkioWeight": 0,
    "BlkioWeightDevice": None,
    "BlkioDeviceReadBps": None,
    "BlkioDeviceWriteBps": None,
    "BlkioDeviceReadIOps": None,
    "BlkioDeviceWriteIOps": None,
    "CpuPeriod": 0,
    "CpuQuota": 0,
    "CpuRealtimePeriod": 0,
    "CpuRealtimeRuntime": 0,
    "CpusetCpus": "",
    "CpusetMems": "",
    "Devices": None,
    "DeviceCgroupRules": None,
    "DeviceRequests": None,
    "MemoryReservation": 0,
    "MemorySwap": 0,
    "MemorySwappiness": None,
    "OomKillDisable": None,
    "PidsLimit": None,
    "Ulimits": None,
    "CpuCount": 0,
    "CpuPercent": 0,
    "IOMaximumIOps": 0,
    "IOMaximumBandwidth": 0,
    "Mounts": _OMIT,
    "Init": _OMIT,
    "MaskedPaths": None,
    "ReadonlyPaths": None,
}


def config(value: api.ContainerConfig, version: Version, mac_address: str = "") -> dict[str, Any]:
    """`Config` of inspect; `mac_address` is the one that clients before 1.44 ask for here."""
    written = _written(value, _CONFIG)
    if version < V1_44 and mac_address:
        written["MacAddress"] = mac_address
    if version >= V1_52 and not written["OnBuild"]:
        del written["OnBuild"]
    return written


def host_config(value: api.HostConfig) -> dict[str, Any]:
    """`HostConfig` of inspect, all its members."""
    return _written(value, _HOST_CONFIG)


def _written(value: msgspec.Struct, defaults: dict[str, Any]) -> dict[str, Any]:
    names = dict(zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True))
    written: dict[str, Any] = {}
    for name, default in defaults.items():
        given = getattr(value, names[name])
        if given is UNSET or given is None:
            if default is not _OMIT:
                written[name] = default
        elif default is not _OMIT or _counts(given):
            written[name] = given
    return written


def _counts(given: object) -> bool:
    """Whether omitempty writes it: pointers to zero values count, empty strings, lists and maps do not."""
    return isinstance(given, (bool, int, msgspec.Struct)) or bool(given)
