"""`wherry network create`."""

from __future__ import annotations

from wherry.cli import flags
from wherry.cli.command import Command, Invocation, warn
from wherry.cli.creation import checks
from wherry.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wherry.cli.flags import Options


def _run(call: Invocation) -> int:
    options = call.options
    body: dict[str, Any] = {
        "Name": call.arguments[0],
        "Driver": options.text("driver"),
        "IPAM": {
            "Driver": options.text("ipam-driver"),
            "Options": _mapping(options.list("ipam-opt")),
            "Config": _address_ranges(options),
        },
        "Internal": options.on("internal"),
        "Attachable": options.on("attachable"),
        "Ingress": options.on("ingress"),
        "ConfigOnly": options.on("config-only"),
        "Options": _mapping(options.list("opt")),
        "Labels": _mapping(options.list("label")),
    }
    if options.text("scope"):
        body["Scope"] = options.text("scope")
    if options.text("config-from"):
        body["ConfigFrom"] = {"Network": options.text("config-from")}
    for flag, key in (("ipv4", "EnableIPv4"), ("ipv6", "EnableIPv6")):
        if options.given(flag):
            body[key] = options.on(flag)
    answer = call.engine.post("/networks/create", json=body)
    if answer.get("Warning"):
        warn(f"WARNING: {answer['Warning']}")
    print(answer["Id"])
    return 0


def _mapping(words: list[str]) -> dict[str, str]:
    return {name: value for name, _, value in (word.partition("=") for word in words)}


def _address_ranges(options: Options) -> list[dict[str, Any]]:
    """One entry a subnet, with the range, gateway and reserved addresses that lie in it. Raises Failure."""
    subnets, ranges, gateways = options.list("subnet"), options.list("ip-range"), options.list("gateway")
    if len(subnets) < len(ranges) or len(subnets) < len(gateways):
        raise Failure("every ip-range or gateway must have a corresponding subnet")
    entries: list[dict[str, Any]] = [{"Subnet": subnet} for subnet in subnets]
    for key, words in (("IPRange", ranges), ("Gateway", gateways)):
        for word in words:
            _entry_for(entries, word, key)[key] = word
    for word in options.list("aux-address"):
        name, _, address = word.partition("=")
        _entry_for(entries, address, "").setdefault("AuxiliaryAddresses", {})[name] = address
    return entries


def _entry_for(entries: list[dict[str, Any]], word: str, key: str) -> dict[str, Any]:
    import ipaddress

    try:
        wanted = ipaddress.ip_address(word.partition("/")[0])
        for entry in entries:
            if wanted in ipaddress.ip_network(entry["Subnet"], strict=False) and (not key or key not in entry):
                return entry
    except ValueError as error:
        raise Failure(str(error)) from None
    what = {"IPRange": "range", "Gateway": "gateway", "": "aux-address"}[key]
    raise Failure(f"no matching subnet for {what} {word}")


COMMAND = Command(
    _run,
    "Create a network",
    "[OPTIONS] NETWORK",
    least=1,
    most=1,
    flags=(
        flags.switch("attachable", "", "Let containers of a swarm's network be connected by hand"),
        flags.several("aux-address", "", "Address that the driver uses itself (NAME=ADDRESS)", kind="map"),
        flags.text("config-from", "", "Network to copy the configuration from"),
        flags.switch("config-only", "", "Make a configuration, not a network"),
        flags.text("driver", "d", "Driver of the network", default="bridge"),
        flags.several("gateway", "", "Gateway of a subnet", kind="ipSlice"),
        flags.switch("ingress", "", "Make the swarm's routing network"),
        flags.switch("internal", "", "Do not let containers reach the outside"),
        flags.several("ip-range", "", "Part of a subnet to take addresses from", kind="ipNetSlice"),
        flags.text("ipam-driver", "", "Driver that hands out addresses", default="default"),
        flags.several("ipam-opt", "", "Option of that driver (KEY=VALUE)", kind="map"),
        flags.switch("ipv4", "", "Give containers IPv4 addresses", default=True),
        flags.switch("ipv6", "", "Give containers IPv6 addresses"),
        flags.several("label", "", "Set a label (KEY=VALUE)", read=checks.label),
        flags.several("opt", "o", "Option of the driver (KEY=VALUE)", kind="map"),
        flags.text("scope", "", "Scope of the network"),
        flags.several("subnet", "", "Subnet in CIDR notation", kind="ipNetSlice"),
    ),
    examples=("network create back", "network create --subnet 10.9.0.0/24 --gateway 10.9.0.1 back"),
)
