"""Requests of older clients, in the words of today's API."""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from wherry.api import types as api
from wherry.api.versions import Version

_V1_40, _V1_41, _V1_42, _V1_44 = (Version(1, minor) for minor in (40, 41, 42, 44))


def create_request(request: api.ContainerCreateRequest, version: Version) -> api.ContainerCreateRequest:
    """What a client that speaks `version` means: members it cannot know are dropped, defaults it relies on are set."""
    host = request.host_config if isinstance(request.host_config, api.HostConfig) else api.HostConfig()
    changes: dict[str, object] = {}
    if version < _V1_40 and not host.ipc_mode:
        changes["ipc_mode"] = "shareable"
    if version < _V1_41 and not host.cgroupns_mode:
        changes["cgroupns_mode"] = "host"
    if version < _V1_42:
        changes["console_size"] = UNSET
    if version < _V1_44 and isinstance(host.mounts, list):
        changes["mounts"] = [_not_recursive(mount) for mount in host.mounts]
    if changes:
        request = msgspec.structs.replace(request, host_config=msgspec.structs.replace(host, **changes))
    if version < _V1_44 and isinstance(request.healthcheck, api.HealthConfig):
        probe = msgspec.structs.replace(request.healthcheck, start_interval=UNSET)
        request = msgspec.structs.replace(request, healthcheck=probe)
    return request


def _not_recursive(mount: api.Mount) -> api.Mount:
    """Before 1.44 a read-only bind left the mounts below it writable."""
    if mount.type != "bind" or mount.read_only is not True:
        return mount
    options = mount.bind_options if isinstance(mount.bind_options, api.MountBindOptions) else api.MountBindOptions()
    options = msgspec.structs.replace(options, read_only_non_recursive=True, read_only_force_recursive=UNSET)
    return msgspec.structs.replace(mount, bind_options=options)
