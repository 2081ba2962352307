"""A container's place in the networks: from its request to endpoints, and the three files that go with them.

Knows NetworkMode, PortBindings and what /etc/hosts, /etc/hostname and /etc/resolv.conf say. Must not know how an
endpoint is made: that is `network`.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from wherry.api import types as api
from wherry.engine import names
from wherry.engine.containers import Containers
from wherry.engine.machine import ALIVE
from wherry.engine.namespaces import OtherNotRunning
from wherry.engine.publish import Publisher
from wherry.engine.records import Record
from wherry.engine.wire import flag, items, mapping, number, text
from wherry.network import hostsfile, ports, resolvconf
from wherry.network.endpoint import Endpoint
from wherry.network.networks import Attachment, Networks
from wherry.runtime import spec
from wherry.state import files

_HOST_GATEWAY = "host-gateway"


class Sandbox(msgspec.Struct, frozen=True, kw_only=True):
    """`namespace` is spec.HOST or a path; `joined` if it is another container's."""

    namespace: str
    endpoints: tuple[Endpoint, ...] = ()
    joined: Record | None = None


class Sandboxes:
    def __init__(self, networks: Networks, containers: Containers, publish: Publisher) -> None:
        self._networks = networks
        self._containers = containers
        self._publish = publish

    def connect(self, record: Record) -> Sandbox:
        """The network of a container that starts. Blocks."""
        mode = text(record.host.network_mode)
        if mode == "host":
            return Sandbox(namespace=spec.HOST)
        if mode.startswith("container:"):
            other = self._containers.find(mode.partition(":")[2])
            if other.state.phase not in ALIVE:
                raise OtherNotRunning(other.record.id)
            return Sandbox(namespace=f"/proc/{other.state.pid}/ns/net", joined=other.record)
        endpoints = self._networks.connect(record.id, _attachments(record), wanted_ports(record))
        for endpoint in endpoints:
            self._publish.network("connect", endpoint.network_id, endpoint.network, endpoint.driver, record.id)
        return Sandbox(namespace=endpoints[0].sandbox, endpoints=endpoints)

    def disconnect(self, record: Record, endpoints: tuple[Endpoint, ...]) -> None:
        """Give the network back. Blocks; repeatable."""
        self._networks.disconnect(record.id, endpoints)
        for endpoint in endpoints:
            self._publish.network("disconnect", endpoint.network_id, endpoint.network, endpoint.driver, record.id)

    def restore(self, alive: list[Record]) -> None:
        """Claim the endpoints of containers that go on and remove all others. Blocks."""
        self._networks.start([endpoint for record in alive for endpoint in record.endpoints])

    def write_files(self, record: Record, sandbox: Sandbox) -> None:
        """hostname, hosts and resolv.conf in the container's directory. Blocks."""
        hostname = text(record.config.hostname)
        files.write_atomic(Path(record.hostname_path), f"{hostname}\n".encode(), 0o644, sync=False)
        files.write_atomic(Path(record.hosts_path), self._hosts(record, sandbox).encode(), 0o644, sync=False)
        files.write_atomic(
            Path(record.resolv_conf_path), self._resolv_conf(record, sandbox).encode(), 0o644, sync=False
        )

    def _hosts(self, record: Record, sandbox: Sandbox) -> str:
        if sandbox.joined:
            return _read(Path(sandbox.joined.hosts_path))
        extra = [self._extra_host(entry) for entry in items(record.host.extra_hosts)]
        if sandbox.namespace == spec.HOST and not extra:
            return _read(Path("/etc/hosts"))
        own = hostsfile.own_names(text(record.config.hostname), text(record.config.domainname))
        entries = [*extra, *self._links(record)]
        entries += [(endpoint.address, own) for endpoint in sandbox.endpoints if endpoint.address]
        return hostsfile.generate(entries)

    def _extra_host(self, entry: str) -> tuple[str, list[str]]:
        name, _, address = entry.partition("=" if "=" in entry.partition(":")[0] else ":")
        if address == _HOST_GATEWAY:
            address = self._networks.find("bridge").gateway
        return address.strip("[]"), [name]

    def _links(self, record: Record) -> list[tuple[str, list[str]]]:
        """`--link name:alias` of the default bridge: the other's address under its alias, id and name."""
        found = []
        for link in items(record.host.links):
            reference, _, alias = link.partition(":")
            try:
                other = self._containers.find(reference).record
            except names.NoSuchContainer:
                continue
            address = next((endpoint.address for endpoint in other.endpoints if endpoint.address), "")
            if address:
                own = list(dict.fromkeys((alias.rpartition("/")[2] or other.name, other.id[:12], other.name)))
                found.append((address, own))
        return found

    def _resolv_conf(self, record: Record, sandbox: Sandbox) -> str:
        if sandbox.joined:
            return _read(Path(sandbox.joined.resolv_conf_path))
        host = _read(Path("/etc/resolv.conf"))
        if resolvconf.STUB in host:
            host = _read(Path("/run/systemd/resolve/resolv.conf")) or host
        own = (record.host.dns, record.host.dns_search, record.host.dns_options)
        if sandbox.namespace == spec.HOST and not any(items(each) for each in own):
            return host
        return resolvconf.generate(
            host,
            servers=items(record.host.dns),
            search=items(record.host.dns_search),
            options=items(record.host.dns_options),
        )


def _attachments(record: Record) -> list[Attachment]:
    """The default bridge first, then by GwPriority and name."""
    mode = text(record.host.network_mode)
    wanted = {mode: api.EndpointSettings(), **record.networks}
    attachments = [attachment(record, name, settings) for name, settings in wanted.items()]
    return sorted(attachments, key=lambda each: (each.network != "bridge", -each.priority, each.network))


def attachment(record: Record, network: str, settings: api.EndpointSettings) -> Attachment:
    """How a container is attached to one network."""
    ipam = settings.ipam_config
    return Attachment(
        network=network,
        aliases=(record.name, *items(settings.aliases), record.id[:12]),
        address=text(ipam.ipv4_address) if isinstance(ipam, api.EndpointIPAMConfig) else "",
        mac=text(settings.mac_address),
        priority=number(settings.gw_priority),
    )


def wanted_ports(record: Record) -> list[ports.Wanted]:
    """What to publish: the bindings, and with PublishAllPorts each other exposed port on one of the host's choice."""
    wanted = [
        ports.parse_binding(port, text(binding.host_ip), text(binding.host_port))
        for port, bindings in mapping(record.host.port_bindings).items()
        for binding in (bindings or [api.PortBinding()])
    ]
    if flag(record.host.publish_all_ports):
        bound = {(each.container_port, each.protocol) for each in wanted}
        exposed = [each for port in mapping(record.config.exposed_ports) for each in ports.parse_ports(port)]
        wanted += [
            ports.parse_binding(f"{port}/{protocol}", "", "")
            for port, protocol in exposed
            if (port, protocol) not in bound
        ]
    return wanted


def _read(path: Path) -> str:
    content = files.read_if_exists(path)
    return content.decode("utf-8", "replace") if content else ""
