"""Disk usage as `GET /system/df` shows it: in lists, and from 1.52 on in parts too, with lists in them if verbose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from wherry.api.versions import Version
from wherry.engine.records import ALIVE, Record
from wherry.images.history import Usage
from wherry.server.render import container, image, volume
from wherry.server.render.configs import V1_52
from wherry.volumes.store import Volume

Json = dict[str, Any]


class VolumeUse(msgspec.Struct, frozen=True):
    """A volume, the bytes in it, and how many containers refer to it."""

    volume: Volume
    size: int
    users: int


class Form(msgspec.Struct, frozen=True):
    """What a client gets to see."""

    version: Version
    verbose: bool

    def part(self, name: str, active: int, sizes: tuple[int, int], items: list[Json], legacy: Json) -> Json:
        """One kind of objects; `sizes` are all its bytes and those that a prune would free."""
        written: Json = {}
        if self.version >= V1_52:
            counts = {"ActiveCount": active, "TotalCount": len(items), "TotalSize": sizes[0], "Reclaimable": sizes[1]}
            written[name] = counts | ({"Items": items} if self.verbose else {})
        if self.version < V1_52 or not self.verbose:
            written |= legacy
        return written


def images(form: Form, usage: Usage, records: Sequence[Record]) -> Json:
    users = Counter(record.image_id for record in records)
    items = [
        image.summary(each.image, form.version, containers=users[each.image.id], shared=each.shared)
        for each in usage.images
    ]
    active = sum(each.image.id in users for each in usage.images)
    unused = sum(each.image.size - each.shared for each in usage.images if each.image.id not in users)
    legacy = {"LayersSize": usage.layers_size, "Images": items}
    return form.part("ImageUsage", active, (usage.layers_size, unused), items, legacy)


def containers(form: Form, sizes: Mapping[str, container.Sizes], records: Sequence[Record], now: int) -> Json:
    items = [
        container.summary(record, form.version, now, image=record.image, sizes=sizes[record.id]) for record in records
    ]
    idle = sum(sizes[record.id].rw for record in records if record.state.phase not in ALIVE)
    total = sum(each.rw for each in sizes.values())
    active = sum(record.state.phase in ALIVE for record in records)
    return form.part("ContainerUsage", active, (total, idle), items, {"Containers": items})


def volumes(form: Form, uses: Sequence[VolumeUse]) -> Json:
    items = [volume.inspect(each.volume) | {"UsageData": {"RefCount": each.users, "Size": each.size}} for each in uses]
    idle = sum(each.size for each in uses if not each.users)
    total = sum(each.size for each in uses)
    return form.part("VolumeUsage", sum(each.users > 0 for each in uses), (total, idle), items, {"Volumes": items})


def build_cache(form: Form) -> Json:
    return form.part("BuildCacheUsage", 0, (0, 0), [], {"BuildCache": []})
