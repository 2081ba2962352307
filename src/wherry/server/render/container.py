"""A container as `GET /containers/{id}/json` and `GET /containers/json` show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from wherry.api.versions import Version
from wherry.engine.plan import shown_command
from wherry.engine.records import Mount, Record
from wherry.server.render import networking, state
from wherry.server.render.configs import V1_52, config, host_config
from wherry.server.render.ports import port_list
from wherry.server.render.times import stamp

_V1_46 = Version(1, 46)
_SECOND = 10**9


class Sizes(msgspec.Struct, frozen=True):
    """Bytes written by the container, and bytes of its whole root."""

    rw: int
    root: int


def inspect(
    record: Record, version: Version, *, driver: str, execs: Sequence[str] = (), sizes: Sizes | None = None
) -> dict[str, Any]:
    """`driver` is the name of the storage driver, `execs` the ids of the execs in it."""
    written: dict[str, Any] = {
        "Id": record.id,
        "Created": stamp(record.created),
        "Path": record.path,
        "Args": record.args,
        "State": state.inspect(record.state),
        "Image": record.image_id,
        "ResolvConfPath": record.resolv_conf_path,
        "HostnamePath": record.hostname_path,
        "HostsPath": record.hosts_path,
        "LogPath": record.log_path,
        "Name": f"/{record.name}",
        "RestartCount": record.state.restart_count,
        "Driver": driver,
        "Platform": record.platform,
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": "",
        "ExecIDs": list(execs) or None,
        "HostConfig": host_config(record.host),
    }
    if version >= V1_52:
        written["Storage"] = {"RootFS": {"Snapshot": {"Name": driver}}}
    else:
        written["GraphDriver"] = {"Data": None, "Name": driver}
    if sizes:
        written |= {"SizeRw": sizes.rw, "SizeRootFs": sizes.root}
    mac = next((endpoint.mac for endpoint in record.endpoints), "")
    return written | {
        "Mounts": mounts(record),
        "Config": config(record.config, version, mac),
        "NetworkSettings": networking.settings(record, version),
    }


def summary(record: Record, version: Version, now: int, *, image: str, sizes: Sizes | None = None) -> dict[str, Any]:
    """A list entry; `image` is how the image is called now, `now` in nanoseconds since 1970."""
    host: dict[str, Any] = {"NetworkMode": record.host.network_mode or "bridge"}
    if version >= _V1_46 and isinstance(record.host.annotations, dict):
        host["Annotations"] = record.host.annotations
    written: dict[str, Any] = {
        "Id": record.id,
        "Names": [f"/{record.name}"],
        "Image": image,
        "ImageID": record.image_id,
        "Command": shown_command(record.path, record.args),
        "Created": record.created // _SECOND,
        "Ports": port_list(record),
    }
    if sizes:
        written |= {"SizeRw": sizes.rw, "SizeRootFs": sizes.root}
    written |= {
        "Labels": labels(record),
        "State": state.status(record.state),
        "Status": state.phrase(record.state, now),
        "HostConfig": host,
        "NetworkSettings": {"Networks": networking.networks(record, version)},
        "Mounts": mounts(record),
    }
    if version >= V1_52:
        written["Health"] = {"Status": "none", "FailingStreak": 0}
    return written


def labels(record: Record) -> Mapping[str, str]:
    return record.config.labels if isinstance(record.config.labels, dict) else {}


def mounts(record: Record) -> list[dict[str, Any]]:
    """`Mounts`: volumes, binds, and tmpfs unless HostConfig.Tmpfs says it already."""
    tmpfs = record.host.tmpfs if isinstance(record.host.tmpfs, dict) else {}
    return [_mount(mount) for mount in record.mounts if mount.type != "tmpfs" or mount.target not in tmpfs]


def _mount(mount: Mount) -> dict[str, Any]:
    written: dict[str, Any] = {"Type": mount.type}
    if mount.name:
        written["Name"] = mount.name
    written |= {"Source": mount.source, "Destination": mount.target}
    if mount.driver:
        written["Driver"] = mount.driver
    return written | {"Mode": mount.mode, "RW": mount.writable, "Propagation": mount.propagation}
