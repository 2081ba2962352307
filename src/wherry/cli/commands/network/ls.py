"""`wherry network ls`: list networks."""

from __future__ import annotations

from wherry.cli import flags, listing, queries
from wherry.cli.command import Command, Invocation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _run(call: Invocation) -> int:
    options = call.options
    quiet, full = options.on("quiet"), options.on("no-trunc")
    format = options.text("format") or ("" if quiet else call.configuration.text("networksFormat"))
    networks = call.engine.get("/networks", queries.filters(options.list("filter")))
    networks.sort(key=lambda network: listing.natural(network["Name"]))
    if quiet and format in ("", "table"):
        listing.only(networks, lambda network: network["Id"] if full else network["Id"][:12])
        return 0
    fields: dict[str, listing.Field] = {
        "CreatedAt": ("CREATED AT", lambda network: _created(network.get("Created", ""))),
        "Driver": ("DRIVER", lambda network: network["Driver"]),
        "ID": ("NETWORK ID", lambda network: network["Id"] if full else network["Id"][:12]),
        "IPv4": ("IPV4", lambda network: _truth(network.get("EnableIPv4"))),
        "IPv6": ("IPV6", lambda network: _truth(network.get("EnableIPv6"))),
        "Internal": ("INTERNAL", lambda network: _truth(network.get("Internal"))),
        "Labels": ("LABELS", lambda network: listing.labels(network.get("Labels"))),
        "Name": ("NAME", lambda network: network["Name"]),
        "Scope": ("SCOPE", lambda network: network["Scope"]),
    }
    default = ("ID", "Name", "Driver", "Scope")
    methods = {"Label": _label}
    listing.show(networks, fields, format, default, methods=methods, kind="network.networkContext")
    return 0


def _truth(value: object) -> str:
    return "true" if value else "false"


def _label(network: dict[str, Any], name: str) -> str:
    found: str = (network.get("Labels") or {}).get(name, "")
    return found


def _created(text: str) -> str:
    """Go prints a time with a space for the T and both forms of the zone."""
    day, _, rest = text.partition("T")
    if rest.endswith("Z"):
        return f"{day} {rest[:-1]} +0000 UTC"
    clock, zone = rest[:-6], rest[-6:]
    compact = zone.replace(":", "")
    return f"{day} {clock} {compact} {compact}"


COMMAND = Command(
    _run,
    "List networks",
    "[OPTIONS]",
    flags=(
        flags.filters(),
        flags.output_format(),
        flags.switch("no-trunc", "", "Show IDs whole"),
        flags.switch("quiet", "q", "Show IDs only"),
    ),
    examples=("network ls", "network ls --filter driver=bridge"),
)
