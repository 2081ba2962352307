"""`wherry ps`, `wherry container ls`: list containers."""

from __future__ import annotations

from wherry.cli import flags, listing, queries, units
from wherry.cli.command import Command, Invocation, warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _run(call: Invocation) -> int:
    options = call.options
    quiet = options.on("quiet")
    format = options.text("format") or ("" if quiet else call.configuration.text("psFormat"))
    parameters = []
    if options.on("all"):
        parameters.append(("all", "1"))
    last = 1 if options.on("latest") else options.number("last")
    if last > 0:
        parameters.append(("limit", str(last)))
    if options.on("size") or ".Size" in format:
        parameters.append(("size", "1"))
    parameters += queries.filters(options.list("filter"))
    containers = call.engine.get("/containers/json", parameters)
    full = options.on("no-trunc")
    if quiet:
        if format:
            warn("WARNING: Ignoring custom format, because both --format and --quiet are set.")
        listing.only(containers, lambda item: item["Id"] if full else item["Id"][:12])
        return 0
    default = ["ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names"]
    if options.on("size"):
        default.append("Size")
    listing.show(
        containers,
        fields(full),
        format,
        default,
        methods={"Label": _label},
        kind="formatter.ContainerContext",
        troubles=("failed to parse template", "failed to execute template"),
    )
    return 0


def fields(full: bool) -> dict[str, listing.Field]:
    """What can be said of a container of the list; `full` keeps long texts whole."""
    return {
        "Command": (
            "COMMAND",
            lambda item: units.quoted(item["Command"] if full else units.shortened(item["Command"], 20)),
        ),
        "CreatedAt": ("CREATED AT", lambda item: units.moment(item["Created"])),
        "ID": ("CONTAINER ID", lambda item: item["Id"] if full else item["Id"][:12]),
        "Image": ("IMAGE", lambda item: _image(item, full)),
        "Labels": ("LABELS", lambda item: ",".join(sorted(f"{k}={v}" for k, v in (item.get("Labels") or {}).items()))),
        "LocalVolumes": ("LOCAL VOLUMES", _local_volumes),
        "Mounts": ("MOUNTS", lambda item: _mounts(item, full)),
        "Names": ("NAMES", lambda item: _names(item, full)),
        "Networks": ("NETWORKS", _networks),
        "Platform": ("PLATFORM", _platform),
        "Ports": ("PORTS", lambda item: ports(item.get("Ports") or []) if item.get("Ports") else ""),
        "RunningFor": ("CREATED", lambda item: units.ago(item["Created"])),
        "Size": ("SIZE", _size),
        "State": ("STATE", lambda item: item.get("State", "")),
        "Status": ("STATUS", lambda item: item.get("Status", "")),
    }


def _image(item: dict[str, Any], full: bool) -> str:
    image: str = item.get("Image") or ""
    if not image:
        return "<no image>"
    if full:
        return image
    short = units.short_id(item.get("ImageID") or "")
    if short and short == units.short_id(image):
        return short
    if "@" in image:
        named = image.partition("@")[0]
        return named if ":" in named.rpartition("/")[2] else image
    return image.removeprefix("docker.io/library/").removeprefix("docker.io/") if ":" in image else image


def _names(item: dict[str, Any], full: bool) -> str:
    names = [name.removeprefix("/") for name in item.get("Names") or []]
    own = next((name for name in names if "/" not in name), None)
    return ",".join(names) if full or own is None else own


def _local_volumes(item: dict[str, Any]) -> str:
    return str(sum(mount.get("Driver") == "local" for mount in item.get("Mounts") or []))


def _mounts(item: dict[str, Any], full: bool) -> str:
    names = [mount.get("Name") or mount.get("Source") or "" for mount in item.get("Mounts") or []]
    return ",".join(name if full else units.shortened(name, 15) for name in names)


def _networks(item: dict[str, Any]) -> str:
    return ",".join(sorted((item.get("NetworkSettings") or {}).get("Networks") or {}))


def _platform(item: dict[str, Any]) -> Any:
    return (item.get("ImageManifestDescriptor") or {}).get("platform")


def _size(item: dict[str, Any]) -> str:
    written = units.decimal_size(item.get("SizeRw") or 0, 3)
    whole = item.get("SizeRootFs") or 0
    return f"{written} (virtual {units.decimal_size(whole, 3)})" if whole > 0 else written


def _label(item: dict[str, Any], name: str) -> str:
    found: str = (item.get("Labels") or {}).get(name, "")
    return found


def ports(entries: list[dict[str, Any]]) -> str:
    """Ports as the list shows them; neighbours that are published under their own numbers become a range."""
    entries = sorted(
        entries,
        key=lambda port: (
            port["PrivatePort"],
            port.get("IP") or "",
            port.get("PublicPort") or 0,
            port.get("Type") or "",
        ),
    )
    ranges: dict[tuple[str, str], list[int]] = {}
    finished: list[str] = []
    moved: list[str] = []
    for port in entries:
        private, address, protocol = port["PrivatePort"], port.get("IP") or "", port["Type"]
        if address and port.get("PublicPort") != private:
            moved.append(f"{_host(address)}:{port.get('PublicPort') or 0}->{private}/{protocol}")
            continue
        known = ranges.get((address, protocol))
        if known is None:
            ranges[address, protocol] = [private, private]
        elif private == known[1] + 1:
            known[1] = private
        else:
            finished.append(_range(address, protocol, *known))
            ranges[address, protocol] = [private, private]
    finished += [_range(address, protocol, *known) for (address, protocol), known in ranges.items()]
    return ", ".join(finished + moved)


def _range(address: str, protocol: str, first: int, last: int) -> str:
    numbers = str(first) if first == last else f"{first}-{last}"
    return f"{_host(address)}:{numbers}->{numbers}/{protocol}" if address else f"{numbers}/{protocol}"


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


COMMAND = Command(
    _run,
    "List containers",
    "[OPTIONS]",
    flags=(
        flags.switch("all", "a", "Show stopped containers too"),
        flags.filters(),
        flags.output_format(),
        flags.number("last", "n", "Show the containers created last, running or not", default=-1),
        flags.switch("latest", "l", "Show the container created last, running or not"),
        flags.switch("no-trunc", "", "Show texts whole"),
        flags.switch("quiet", "q", "Show IDs only"),
        flags.switch("size", "s", "Show how much the containers have written"),
    ),
    examples=("ps -a", "ps --filter status=exited --format '{{.Names}}: {{.Status}}'"),
)
