"""`wherry history`: the layers of an image and what made them."""

from __future__ import annotations

from wherry.cli import flags, listing, units
from wherry.cli.command import Command, Invocation
from wherry.cli.platforms import parameter
from wherry.client.transport import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _run(call: Invocation) -> int:
    options = call.options
    full, human = options.on("no-trunc"), options.on("human")
    layers = call.engine.get(f"/images/{quote(call.arguments[0])}/history", parameter(options.text("platform")))
    format = options.text("format")
    if options.on("quiet") and format in ("", "table"):
        listing.only(layers, lambda layer: _identity(layer, full))
        return 0
    default = ["ID", "CreatedSince" if human else "CreatedAt", "CreatedBy", "Size", "Comment"]
    listing.show(layers, _fields(full, human), format, default, kind="formatter.historyContext")
    return 0


def _identity(layer: dict[str, Any], full: bool) -> str:
    identity: str = layer["Id"]
    return identity if full or identity == "<missing>" else units.short_id(identity)


def _created_by(layer: dict[str, Any], full: bool) -> str:
    text = layer["CreatedBy"].replace("\t", " ")
    return text if full else units.shortened(text, 45)


def _fields(full: bool, human: bool) -> dict[str, listing.Field]:
    return {
        "Comment": ("COMMENT", lambda layer: layer.get("Comment", "")),
        "CreatedAt": ("CREATED AT", lambda layer: units.rfc3339(layer["Created"])),
        "CreatedBy": ("CREATED BY", lambda layer: _created_by(layer, full)),
        "CreatedSince": (
            "CREATED",
            lambda layer: units.ago(layer["Created"]) if human else units.rfc3339(layer["Created"]),
        ),
        "ID": ("IMAGE", lambda layer: _identity(layer, full)),
        "Size": ("SIZE", lambda layer: units.decimal_size(layer["Size"], 3) if human else str(layer["Size"])),
    }


COMMAND = Command(
    _run,
    "Show the layers of an image and what made them",
    "[OPTIONS] IMAGE",
    least=1,
    most=1,
    flags=(
        flags.output_format(),
        flags.switch("human", "H", "Show sizes and dates for people", default=True),
        flags.switch("no-trunc", "", "Show texts whole"),
        flags.text("platform", "", "Platform of the image (linux/amd64)"),
        flags.switch("quiet", "q", "Show IDs only"),
    ),
    examples=("history busybox",),
)
