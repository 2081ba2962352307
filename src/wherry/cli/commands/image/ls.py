"""`wherry images`, `wherry image ls`: list images."""

from __future__ import annotations

from wherry.cli import flags, listing, queries, units
from wherry.cli.command import Command, Invocation
from wherry.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Row = tuple[str, str, str, dict[str, Any]]  # repository, tag, digest, image

NONE = "<none>"


def _run(call: Invocation) -> int:
    options = call.options
    if options.on("tree"):
        raise Failure("--tree is not implemented yet")
    quiet, full, digests = options.on("quiet"), options.on("no-trunc"), options.on("digests")
    format = options.text("format") or ("" if quiet else call.configuration.text("imagesFormat"))
    pairs = options.list("filter")
    if call.arguments:
        pairs.append(("reference", call.arguments[0]))
    parameters = [("all", "1")] if options.on("all") else []
    images = call.engine.get("/images/json", parameters + queries.filters(pairs))
    rows = [row for image in images for row in rows_of(image, digests or ".Digest" in format, digests)]
    if quiet and format in ("", "table"):
        listing.only(rows, lambda row: row[3]["Id"] if full else units.short_id(row[3]["Id"]))
        return 0
    default = ["Repository", "Tag", "Digest", "ID", "CreatedSince", "Size"]
    if not digests:
        default.remove("Digest")
    listing.show(rows, fields(full), format, default, kind="formatter.imageContext")
    return 0


def rows_of(image: dict[str, Any], with_digests: bool, digest_rows: bool) -> Iterator[Row]:
    """One row for every name of an image, one for an image without a name."""
    tags = [tag for tag in image.get("RepoTags") or [] if tag != f"{NONE}:{NONE}"]
    digests = [digest for digest in image.get("RepoDigests") or [] if digest != f"{NONE}@{NONE}"]
    if not tags and not digests:
        yield NONE, NONE, NONE, image
        return
    by_name: dict[str, list[str]] = {}
    for reference in digests:
        name, _, digest = reference.partition("@")
        by_name.setdefault(name, []).append(digest)
    tagged = set()
    for reference in tags:
        name, _, tag = reference.rpartition(":")
        tagged.add(name)
        for digest in (by_name.get(name) if with_digests else None) or [NONE]:
            yield name, tag, digest, image
    for name, found in by_name.items():
        if name not in tagged:
            for digest in found if digest_rows else found[:1]:
                yield name, NONE, digest if digest_rows else "", image


def _unless_unknown(size: int) -> str:
    return units.decimal_size(size) if size != -1 else "N/A"


def _unique(image: dict[str, Any]) -> str:
    shared = image.get("SharedSize", -1)
    return "N/A" if shared == -1 or image["Size"] == -1 else units.decimal_size(image["Size"] - shared)


def fields(full: bool) -> dict[str, listing.Field]:
    """What can be said of a row; `full` keeps IDs whole."""
    return {
        "Containers": (
            "CONTAINERS",
            lambda row: "N/A" if row[3].get("Containers", -1) == -1 else str(row[3]["Containers"]),
        ),
        "CreatedAt": ("CREATED AT", lambda row: units.moment(row[3]["Created"])),
        "CreatedSince": ("CREATED", lambda row: units.ago(row[3]["Created"])),
        "Digest": ("DIGEST", lambda row: row[2]),
        "ID": ("IMAGE ID", lambda row: row[3]["Id"] if full else units.short_id(row[3]["Id"])),
        "Repository": ("REPOSITORY", lambda row: row[0]),
        "SharedSize": ("SHARED SIZE", lambda row: _unless_unknown(row[3].get("SharedSize", -1))),
        "Size": ("SIZE", lambda row: units.decimal_size(row[3]["Size"], 3)),
        "Tag": ("TAG", lambda row: row[1]),
        "UniqueSize": ("UNIQUE SIZE", lambda row: _unique(row[3])),
        "VirtualSize": ("SIZE", lambda row: units.decimal_size(row[3]["Size"], 4)),
    }


COMMAND = Command(
    _run,
    "List images",
    "[OPTIONS] [REPOSITORY[:TAG]]",
    most=1,
    flags=(
        flags.switch("all", "a", "Show intermediate images too"),
        flags.switch("digests", "", "Show digests"),
        flags.filters(),
        flags.output_format(),
        flags.switch("no-trunc", "", "Show IDs whole"),
        flags.switch("quiet", "q", "Show IDs only"),
        flags.switch("tree", "", "Show platforms below their images", hidden=True),
    ),
    examples=("images", "images --filter dangling=true -q"),
)
