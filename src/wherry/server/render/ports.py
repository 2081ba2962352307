"""Ports of a container: the map of inspect and the list of `docker ps`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wherry.engine.records import Record
from wherry.network.endpoint import Binding

PortMap = dict[str, list[dict[str, str]] | None]


def port_map(record: Record) -> PortMap:
    """`NetworkSettings.Ports`: every exposed port, with null if it is not published; empty when nothing runs."""
    if not record.endpoints:
        return {}
    ports: PortMap = dict.fromkeys(_exposed(record))
    for binding in _bindings(record):
        entry = {"HostIp": binding.host_address, "HostPort": str(binding.host_port)}
        ports[binding.key] = [*(ports.get(binding.key) or []), entry]
    return ports


def port_list(record: Record) -> list[dict[str, Any]]:
    """`Ports` of a list entry; a port that is only exposed has neither IP nor PublicPort."""
    if not record.endpoints:
        return []
    bindings = list(_bindings(record))
    published = {binding.key for binding in bindings}
    entries: list[dict[str, Any]] = [
        {
            "IP": binding.host_address,
            "PrivatePort": binding.container_port,
            "PublicPort": binding.host_port,
            "Type": binding.protocol,
        }
        for binding in bindings
    ]
    for key in _exposed(record):
        if key not in published:
            port, _, protocol = key.partition("/")
            entries.append({"PrivatePort": int(port), "Type": protocol})
    return sorted(entries, key=lambda entry: (entry["PrivatePort"], entry["Type"], entry.get("PublicPort", 0)))


def _exposed(record: Record) -> list[str]:
    ports = record.config.exposed_ports
    bound = record.host.port_bindings
    names = [*(ports if isinstance(ports, dict) else ()), *(bound if isinstance(bound, dict) else ())]
    return list(dict.fromkeys(key for name in names for key in _single(name)))


def _single(name: str) -> list[str]:
    """ "80", "80/tcp" or a range "80-82/udp" as single ports with protocol."""
    port, _, protocol = name.partition("/")
    first, _, last = port.partition("-")
    if not first.isdigit() or (last and not last.isdigit()):
        return []
    return [f"{number}/{(protocol or 'tcp').lower()}" for number in range(int(first), int(last or first) + 1)]


def _bindings(record: Record) -> Iterable[Binding]:
    return (binding for endpoint in record.endpoints for binding in endpoint.bindings)
