"""Disk usage, in whichever form the engine reports it.

Knows the lists of API versions below 1.52 and the counted parts since. Must not know how it is shown.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Part:
    """One kind of objects: how many, how many in use, bytes in all, bytes that could be freed, and the objects if
    listed.
    """

    def __init__(
        self, kind: str, total: int, active: int, size: int, reclaimable: int, items: list[dict[str, Any]]
    ) -> None:
        self.kind = kind
        self.total = total
        self.active = active
        self.size = size
        self.reclaimable = reclaimable
        self.items = items


def parts(document: dict[str, Any]) -> list[Part]:
    """Images, containers, volumes and build cache."""
    kinds = (
        ("Images", "ImageUsage", _images),
        ("Containers", "ContainerUsage", _containers),
        ("Local Volumes", "VolumeUsage", _volumes),
        ("Build Cache", "BuildCacheUsage", _cache),
    )
    found = []
    for kind, key, legacy in kinds:
        counted = document.get(key)
        if counted is None:
            found.append(legacy(kind, document))
            continue
        total, active = counted.get("TotalCount") or 0, counted.get("ActiveCount") or 0
        size, reclaimable = counted.get("TotalSize") or 0, counted.get("Reclaimable") or 0
        found.append(Part(kind, total, active, size, reclaimable, counted.get("Items") or []))
    return found


def _images(kind: str, document: dict[str, Any]) -> Part:
    items = document.get("Images") or []
    size = document.get("LayersSize") or 0
    in_use = [image for image in items if image.get("Containers")]
    known = [image for image in in_use if image["Size"] != -1 and image.get("SharedSize", -1) != -1]
    used = sum(image["Size"] - image["SharedSize"] for image in known)
    active = sum((image.get("Containers") or 0) > 0 for image in items)
    return Part(kind, len(items), active, size, size - used, items)


def _containers(kind: str, document: dict[str, Any]) -> Part:
    items = document.get("Containers") or []
    active = [item for item in items if any(word in item["State"] for word in ("running", "paused", "restarting"))]
    size = sum(item.get("SizeRw") or 0 for item in items)
    idle = sum(item.get("SizeRw") or 0 for item in items if item not in active)
    return Part(kind, len(items), len(active), size, idle, items)


def _volumes(kind: str, document: dict[str, Any]) -> Part:
    items = document.get("Volumes") or []
    sizes = [(item["UsageData"]["Size"], item["UsageData"]["RefCount"]) for item in items if item.get("UsageData")]
    size = sum(size for size, _ in sizes if size != -1)
    idle = sum(size for size, users in sizes if size != -1 and not users)
    return Part(kind, len(items), sum(users > 0 for _, users in sizes), size, idle, items)


def _cache(kind: str, document: dict[str, Any]) -> Part:
    items = document.get("BuildCache") or []
    own = [item for item in items if not item.get("Shared")]
    size = sum(item["Size"] for item in own)
    used = sum(item["Size"] for item in own if item.get("InUse"))
    return Part(kind, len(items), sum(bool(item.get("InUse")) for item in items), size, size - used, items)
