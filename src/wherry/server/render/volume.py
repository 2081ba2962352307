"""A volume as the volume endpoints show it."""

from __future__ import annotations

from typing import Any

from wherry.images import times
from wherry.volumes.store import Volume

_SECOND = 10**9


def inspect(volume: Volume) -> dict[str, Any]:
    """The time has no fraction."""
    return {
        "CreatedAt": times.to_rfc3339(volume.created // _SECOND * _SECOND),
        "Driver": volume.driver,
        "Labels": volume.labels or None,
        "Mountpoint": volume.mountpoint,
        "Name": volume.name,
        "Options": volume.options or None,
        "Scope": "local",
    }
