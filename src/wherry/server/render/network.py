"""A network as the network endpoints show it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wherry.api.versions import Version
from wherry.engine.records import Record
from wherry.network.network import Network
from wherry.server.render.times import stamp

_V1_48 = Version(1, 48)


def summary(network: Network, version: Version) -> dict[str, Any]:
    written: dict[str, Any] = {
        "Name": network.name,
        "Id": network.id,
        "Created": stamp(network.created),
        "Scope": "local",
        "Driver": network.driver,
    }
    if version >= _V1_48:
        written["EnableIPv4"] = True
    return written | {
        "EnableIPv6": network.enable_ipv6,
        "IPAM": {"Driver": "default", "Options": network.ipam_options or None, "Config": _ipam(network)},
        "Internal": network.internal,
        "Attachable": network.attachable,
        "Ingress": False,
        "ConfigFrom": {"Network": ""},
        "ConfigOnly": False,
        "Options": network.options,
        "Labels": network.labels,
    }


def inspect(network: Network, version: Version, records: Iterable[Record]) -> dict[str, Any]:
    """With the containers that are connected to it now."""
    containers = {
        record.id: {
            "Name": record.name,
            "EndpointID": endpoint.id,
            "MacAddress": endpoint.mac,
            "IPv4Address": f"{endpoint.address}/{endpoint.prefix}" if endpoint.address else "",
            "IPv6Address": "",
        }
        for record in records
        for endpoint in record.endpoints
        if endpoint.network_id == network.id
    }
    return summary(network, version) | {"Containers": containers}


def _ipam(network: Network) -> list[dict[str, Any]]:
    if not network.subnet:
        return []
    written: dict[str, Any] = {"Subnet": network.subnet}
    if network.ip_range:
        written["IPRange"] = network.ip_range
    if network.reserved:
        written["AuxiliaryAddresses"] = network.reserved
    return [written | ({"Gateway": network.gateway} if network.gateway else {})]
