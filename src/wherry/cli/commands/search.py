"""`wherry search`: find images in the registry's catalogue."""

from __future__ import annotations

from wherry.cli import flags, listing, queries, units
from wherry.cli.command import Command, Invocation


def _run(call: Invocation) -> int:
    options = call.options
    parameters = [("term", call.arguments[0])]
    if options.number("limit"):
        parameters.append(("limit", str(options.number("limit"))))
    found = call.engine.get("/images/search", parameters + queries.filters(options.list("filter")))
    found.sort(key=lambda image: -image["star_count"])
    full = options.on("no-trunc")
    fields: dict[str, listing.Field] = {
        "Description": ("DESCRIPTION", lambda image: _description(image["description"], full)),
        "IsAutomated": ("AUTOMATED", lambda image: "[OK]" if image.get("is_automated") else ""),
        "IsOfficial": ("OFFICIAL", lambda image: "[OK]" if image.get("is_official") else ""),
        "Name": ("NAME", lambda image: image["name"]),
        "StarCount": ("STARS", lambda image: str(image["star_count"])),
    }
    default = ("Name", "Description", "StarCount", "IsOfficial")
    listing.show(found, fields, options.text("format"), default, kind="formatter.searchContext")
    return 0


def _description(text: str, full: bool) -> str:
    flat = text.replace("\n", " ").replace("\r", " ")
    return flat if full else units.shortened(flat, 45)


COMMAND = Command(
    _run,
    "Search the registry's catalogue for images",
    "[OPTIONS] TERM",
    least=1,
    most=1,
    flags=(
        flags.filters(),
        flags.output_format(),
        flags.number("limit", "", "Number of images to show at most"),
        flags.switch("no-trunc", "", "Show descriptions whole"),
    ),
    examples=("search --limit 5 busybox",),
)
