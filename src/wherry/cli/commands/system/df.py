"""`wherry system df`: what takes up the disk."""

from __future__ import annotations

import sys

from wherry.cli import flags, listing, units, usage
from wherry.cli.command import Command, Invocation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _run(call: Invocation) -> int:
    verbose, format = call.options.on("verbose"), call.options.text("format")
    parts = usage.parts(call.engine.get("/system/df", [("verbose", "1")] if verbose else []))
    if verbose:
        return _show_all(parts, format)
    fields: dict[str, listing.Field] = {
        "Active": ("ACTIVE", lambda part: str(part.active)),
        "Reclaimable": ("RECLAIMABLE", _reclaimable),
        "Size": ("SIZE", lambda part: units.decimal_size(part.size)),
        "TotalCount": ("TOTAL", lambda part: str(part.total)),
        "Type": ("TYPE", lambda part: part.kind),
    }
    default = ("Type", "TotalCount", "Active", "Size", "Reclaimable")
    listing.show(parts, fields, format, default, kind="formatter.diskUsageImagesContext")
    return 0


def _reclaimable(part: usage.Part) -> str:
    size = units.decimal_size(part.reclaimable)
    shared = part.size > 0 and part.kind != "Build Cache"
    return f"{size} ({part.reclaimable * 100 // part.size}%)" if shared else size


def _show_all(parts: list[usage.Part], format: str) -> int:
    from wherry.cli.commands.container import ls as containers
    from wherry.cli.commands.image import ls as images
    from wherry.cli.commands.volume import ls as volumes

    image_part, container_part, volume_part, cache_part = parts
    rows = [_first_name(image) for image in image_part.items]
    image_fields, container_fields = images.fields(full=bool(format)), containers.fields(full=bool(format))
    if format:
        return _templated(
            format,
            {
                "Images": (rows, image_fields),
                "Containers": (container_part.items, container_fields),
                "Volumes": (volume_part.items, volumes.fields()),
                "BuildCache": (cache_part.items, _cache_fields()),
            },
        )
    print("Images space usage:\n")
    columns: tuple[str, ...] = (
        "Repository",
        "Tag",
        "ID",
        "CreatedSince",
        "Size",
        "SharedSize",
        "UniqueSize",
        "Containers",
    )
    listing.show(rows, image_fields, "", columns)
    print("\nContainers space usage:\n")
    columns = ("ID", "Image", "Command", "LocalVolumes", "Size", "RunningFor", "Status", "Names")
    # The list of sizes shows what containers have written only.
    own = [{**item, "SizeRootFs": 0} for item in container_part.items]
    listing.show(own, container_fields, "", columns)
    print("\nLocal Volumes space usage:\n")
    listing.show(volume_part.items, volumes.fields(), "", ("Name", "Links", "Size"))
    print(f"\nBuild cache usage: {units.decimal_size(cache_part.size)}\n")
    columns = ("ID", "CacheType", "Size", "CreatedSince", "LastUsedSince", "UsageCount", "Shared")
    listing.show(cache_part.items, _cache_fields(), "", columns)
    return 0


def _first_name(image: dict[str, Any]) -> tuple[str, str, str, dict[str, Any]]:
    tags = image.get("RepoTags") or []
    if tags:
        name, _, tag = tags[0].rpartition(":")
        return name, tag, "", image
    digests = image.get("RepoDigests") or []
    return (digests[0].partition("@")[0] if digests else "<none>"), "<none>", "", image


def _cache_fields() -> dict[str, listing.Field]:
    def moment(item: dict[str, Any], key: str) -> str:
        return units.moment(_seconds(item[key])) if item.get(key) else ""

    def since(item: dict[str, Any], key: str) -> str:
        return units.ago(_seconds(item[key])) if item.get(key) else ""

    return {
        "CacheType": ("CACHE TYPE", lambda item: item.get("Type", "")),
        "CreatedAt": ("CREATED AT", lambda item: moment(item, "CreatedAt")),
        "CreatedSince": ("CREATED", lambda item: since(item, "CreatedAt")),
        "Description": ("DESCRIPTION", lambda item: item.get("Description", "")),
        "ID": ("CACHE ID", lambda item: item["ID"][:12]),
        "InUse": ("IN USE", lambda item: "true" if item.get("InUse") else "false"),
        "LastUsedAt": ("LAST USED AT", lambda item: moment(item, "LastUsedAt")),
        "LastUsedSince": ("LAST USED", lambda item: since(item, "LastUsedAt")),
        "Parent": ("PARENT", lambda item: item.get("Parent", "")),
        "Shared": ("SHARED", lambda item: "true" if item.get("Shared") else "false"),
        "Size": ("SIZE", lambda item: units.decimal_size(item["Size"], 3)),
        "UsageCount": ("USAGE", lambda item: str(item.get("UsageCount", 0))),
    }


def _seconds(text: str) -> int:
    from datetime import datetime

    return int(datetime.fromisoformat(text).timestamp())


def _templated(format: str, kinds: dict[str, tuple[list[Any], dict[str, listing.Field]]]) -> int:
    from wherry.cli import template

    wrapped = {
        name: [template.Fields(fields, {}, item, "formatter.context") for item in items]
        for name, (items, fields) in kinds.items()
    }
    if format == "json":
        format = "{{json .}}"
    ending = "" if format == "{{json .}}" else "\n"
    sys.stdout.write(template.parse(format).render(wrapped) + ending)
    return 0


COMMAND = Command(
    _run,
    "Show disk usage",
    "[OPTIONS]",
    flags=(flags.output_format(), flags.switch("verbose", "v", "Show every object")),
    examples=("system df", "system df -v"),
)
