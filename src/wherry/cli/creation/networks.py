"""The --network flag and those that describe the connection.

Knows `--network NAME` and `--network name=NAME,alias=A,ip=...`. Must not know drivers.
"""

from __future__ import annotations

from wherry.cli.creation import mounts
from wherry.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wherry.cli.flags import Options

_BUILT_IN = ("bridge", "host", "none", "default")


def configure(options: Options) -> tuple[str, dict[str, Any]]:
    """NetworkMode and EndpointsConfig. Raises Failure."""
    attachments = [dict(each) for each in (*options.list("network"), *options.list("net"))]
    first = attachments[0] if attachments else {"name": "default"}
    _add_flags(first, options, bool(attachments))
    mode = first["name"]
    endpoints: dict[str, Any] = {}
    for attachment in attachments or [first]:
        name = attachment["name"]
        if len(attachments) > 1 and (name in ("host", "none", "default") or name.startswith("container:")):
            raise Failure(
                "conflicting options: cannot attach both user-defined and non-user-defined network-modes", 125
            )
        if name in endpoints:
            raise Failure(f'network "{name}" is specified multiple times', 125)
        if name.startswith("container:") or name in ("host", "none"):
            if len(attachment) > 1:
                _refuse_settings(attachment, name)
            continue
        endpoint = _endpoint(attachment)
        if endpoint or name != "default":
            endpoints[name] = endpoint
    return mode, endpoints


def read(word: str) -> dict[str, Any]:
    """`name=NAME,alias=ALIAS,...` as a mapping. Raises ValueError."""
    found: dict[str, Any] = {"name": ""}
    for field in mounts.comma_separated(word):
        key, equals, value = field.partition("=")
        key = key.strip().lower()
        if not equals:
            raise ValueError(f"invalid field {field}")
        if key == "alias":
            found.setdefault("alias", []).append(value)
        elif key == "link-local-ip":
            found.setdefault("link-local-ip", []).append(value)
        elif key == "driver-opt":
            option, _, setting = value.partition("=")
            found.setdefault("driver-opt", {})[option] = setting
        elif key in ("name", "ip", "ip6", "mac-address", "gw-priority"):
            found[key] = value
        else:
            raise ValueError(f"invalid field key {key}")
    return found


def _add_flags(first: dict[str, Any], options: Options, named: bool) -> None:
    aliases = [*options.list("network-alias"), *options.list("net-alias")]
    if aliases and "alias" in first:
        raise Failure("conflicting options: cannot specify both --network-alias and per-network alias", 125)
    for key, flag in (("ip", "ip"), ("ip6", "ip6"), ("mac-address", "mac-address")):
        given = options.text(flag)
        if given and key in first:
            what = {"ip": "IPv4 address", "ip6": "IPv6 address", "mac-address": "MAC address"}[key]
            raise Failure(f"conflicting options: cannot specify both --{flag} and per-network {what}", 125)
        if given:
            first[key] = _hardware_address(given) if key == "mac-address" else given
    user_defined = named and first["name"] not in _BUILT_IN and not first["name"].startswith("container:")
    if aliases:
        if not user_defined:
            raise Failure("network-scoped aliases are only supported for user-defined networks", 125)
        first["alias"] = aliases
    if options.list("link-local-ip"):
        first["link-local-ip"] = options.list("link-local-ip")
    if options.list("link") and user_defined:
        first["links"] = options.list("link")


def _refuse_settings(attachment: dict[str, Any], name: str) -> None:
    if "ip" in attachment or "ip6" in attachment:
        raise Failure(f"conflicting options: cannot use an IP address with network mode {name}", 125)


def _hardware_address(word: str) -> str:
    parts = word.replace("-", ":").split(":")
    digits = "0123456789abcdefABCDEF"
    if len(parts) != 6 or any(len(part) != 2 or part.strip(digits) for part in parts):
        raise Failure(f"{word} is not a valid mac address", 125)
    return word


def _endpoint(attachment: dict[str, Any]) -> dict[str, Any]:
    endpoint: dict[str, Any] = {}
    addresses = {}
    for key, name in (("ip", "IPv4Address"), ("ip6", "IPv6Address"), ("link-local-ip", "LinkLocalIPs")):
        if attachment.get(key):
            addresses[name] = attachment[key]
    if addresses:
        endpoint["IPAMConfig"] = addresses
    for key, name in (
        ("alias", "Aliases"),
        ("mac-address", "MacAddress"),
        ("driver-opt", "DriverOpts"),
        ("links", "Links"),
    ):
        if attachment.get(key):
            endpoint[name] = attachment[key]
    if attachment.get("gw-priority"):
        endpoint["GwPriority"] = int(attachment["gw-priority"])
    return endpoint
