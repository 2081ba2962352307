"""NetworkSettings of a container: what it asked for, and what it has while it runs."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from wherry.api import types as api
from wherry.api.versions import Version
from wherry.engine.records import Record
from wherry.network.endpoint import Endpoint
from wherry.server.render.configs import V1_44, V1_52
from wherry.server.render.ports import port_map

_V1_45 = Version(1, 45)
_V1_48 = Version(1, 48)


def settings(record: Record, version: Version) -> dict[str, Any]:
    """`NetworkSettings` of inspect. Before 1.52 the endpoint on the default bridge is repeated at the top."""
    sandbox = next((endpoint.sandbox for endpoint in record.endpoints), "")
    top = {
        "SandboxID": sandbox.rpartition("/")[2],
        "SandboxKey": sandbox,
        "Ports": port_map(record),
    }
    if version >= V1_52:
        return {**top, "Networks": networks(record, version)}
    default = next((endpoint for endpoint in record.endpoints if endpoint.network == "bridge"), None)
    return {
        "Bridge": "",
        **top,
        "HairpinMode": False,
        "LinkLocalIPv6Address": "",
        "LinkLocalIPv6PrefixLen": 0,
        "SecondaryIPAddresses": None,
        "SecondaryIPv6Addresses": None,
        "EndpointID": default.id if default else "",
        "Gateway": default.gateway if default else "",
        "GlobalIPv6Address": "",
        "GlobalIPv6PrefixLen": 0,
        "IPAddress": default.address if default else "",
        "IPPrefixLen": default.prefix if default else 0,
        "IPv6Gateway": "",
        "MacAddress": default.mac if default else "",
        "Networks": networks(record, version),
    }


def networks(record: Record, version: Version) -> dict[str, Any]:
    """By name of the network: those it is connected to, or will be when it starts."""
    endpoints = {endpoint.network: endpoint for endpoint in record.endpoints}
    names = list(dict.fromkeys((*endpoints, *record.networks))) or [_mode(record)]
    return {
        name: endpoint(record, record.networks.get(name) or api.EndpointSettings(), endpoints.get(name), version)
        for name in names
        if name and not name.startswith("container:")
    }


def _mode(record: Record) -> str:
    mode = record.host.network_mode
    return mode if isinstance(mode, str) else ""


def endpoint(record: Record, asked: api.EndpointSettings, has: Endpoint | None, version: Version) -> dict[str, Any]:
    """One member of `Networks`."""
    aliases = list(has.aliases) if has else []
    shown = list(asked.aliases) if isinstance(asked.aliases, list) else None
    if version < _V1_45 and has and has.network != "bridge":
        shown = [*(shown or []), record.id[:12]]
    written: dict[str, Any] = {
        "IPAMConfig": _or_none(asked.ipam_config),
        "Links": _or_none(asked.links),
        "Aliases": shown,
        "MacAddress": has.mac if has else "",
        "DriverOpts": _or_none(asked.driver_opts),
    }
    if version >= _V1_48:
        written["GwPriority"] = _or_none(asked.gw_priority) or 0
    written |= {
        "NetworkID": has.network_id if has else "",
        "EndpointID": has.id if has else "",
        "Gateway": has.gateway if has else "",
        "IPAddress": has.address if has else "",
        "IPPrefixLen": has.prefix if has else 0,
        "IPv6Gateway": "",
        "GlobalIPv6Address": "",
        "GlobalIPv6PrefixLen": 0,
    }
    if version >= V1_44:
        written["DNSNames"] = aliases or None
    return written


def _or_none(value: Any) -> Any:
    return None if value is UNSET else value
