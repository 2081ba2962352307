"""`wherry volume ls`: list volumes."""

from __future__ import annotations

from wherry.cli import flags, listing, queries, units
from wherry.cli.command import Command, Invocation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _run(call: Invocation) -> int:
    options = call.options
    quiet = options.on("quiet")
    format = options.text("format") or ("" if quiet else call.configuration.text("volumesFormat"))
    volumes = call.engine.get("/volumes", queries.filters(options.list("filter"))).get("Volumes") or []
    volumes.sort(key=lambda volume: listing.natural(volume["Name"]))
    if quiet and format in ("", "table"):
        listing.only(volumes, lambda volume: volume["Name"])
        return 0
    listing.show(
        volumes, fields(), format, ("Driver", "Name"), methods={"Label": _label}, kind="formatter.volumeContext"
    )
    return 0


def fields() -> dict[str, listing.Field]:
    """What can be said of a volume of the list."""
    return {
        "Availability": ("AVAILABILITY", lambda volume: "N/A"),
        "Driver": ("DRIVER", lambda volume: volume["Driver"]),
        "Group": ("GROUP", lambda volume: "N/A"),
        "Labels": ("LABELS", lambda volume: listing.labels(volume.get("Labels"))),
        "Links": ("LINKS", lambda volume: _usage(volume, "RefCount")),
        "Mountpoint": ("MOUNTPOINT", lambda volume: volume["Mountpoint"]),
        "Name": ("VOLUME NAME", lambda volume: volume["Name"]),
        "Scope": ("SCOPE", lambda volume: volume.get("Scope", "")),
        "Size": ("SIZE", lambda volume: _usage(volume, "Size")),
        "Status": ("STATUS", lambda volume: "N/A"),
    }


def _usage(volume: dict[str, Any], key: str) -> str:
    usage = volume.get("UsageData")
    if usage is None:
        return "N/A"
    return units.decimal_size(usage[key]) if key == "Size" else str(usage[key])


def _label(volume: dict[str, Any], name: str) -> str:
    found: str = (volume.get("Labels") or {}).get(name, "")
    return found


COMMAND = Command(
    _run,
    "List volumes",
    "[OPTIONS]",
    flags=(
        flags.switch("cluster", "", "Show volumes of the cluster only", hidden=True),
        flags.filters(),
        flags.output_format(),
        flags.switch("quiet", "q", "Show names only"),
    ),
    examples=("volume ls", "volume ls --filter dangling=true -q"),
)
