"""All networks: their records, their links and rules on the host, and attaching containers to them.

Knows names, ids, and the order in which an endpoint is made and undone. Must not know what a container is. Blocks; safe
on any thread. Made in the network namespace that is to be the host's.

    <exec-root>/netns/<first 12 of the container's id>    a sandbox: a network namespace kept by a bind mount

A crash at any point leaves links, rules or sandboxes that belong to nobody: `start` with the endpoints that are still alive
makes the host equal to them.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec

from wherry import errors, faults
from wherry.linux import namespaces
from wherry.linux.netlink import route
from wherry.network import bridge, ipam, ports
from wherry.network.endpoint import Endpoint
from wherry.network.firewall import BridgeRules, Firewall, Redirect
from wherry.network.network import (
    PREDEFINED,
    AmbiguousNetwork,
    InvalidNetwork,
    Network,
    NetworkExists,
    NetworkInUse,
    NoSuchNetwork,
    PredefinedNetwork,
    UnknownDriver,
)
from wherry.state.database import Database, Schema

TABLES = Schema("networks", ("CREATE TABLE networks (id TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID",))

DEFAULT_LINK = "wherry0"


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """What a container wants of one network. Names are those by which others may know it."""

    network: str
    aliases: tuple[str, ...] = ()
    address: str = ""
    mac: str = ""
    ports: tuple[ports.Wanted, ...] = ()
    default_route: bool = True


class Settings(msgspec.Struct, frozen=True):
    """`link` is the interface of the network called bridge, `subnet` its address with prefix ("" to choose)."""

    exec_root: Path
    link: str = DEFAULT_LINK
    subnet: str = ""
    mtu: int = 0
    icc: bool = True
    masquerade: bool = True
    pools: tuple[tuple[str, int], ...] = ipam.DEFAULT_POOLS


class Networks:
    def __init__(self, database: Database, settings: Settings, clock: Callable[[], int] = time.time_ns) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._lock = threading.RLock()
        self._networks: dict[str, Network] = {}
        self._addresses: dict[str, ipam.Addresses] = {}
        self._endpoints: dict[str, Endpoint] = {}
        self._host_ports = ports.HostPorts()
        self._links = route.Route()
        self._firewall = Firewall()
        self._sandboxes = settings.exec_root / "netns"

    # Start and stop

    def start(self, alive: Iterable[Endpoint] = ()) -> None:
        """Make the host's links and rules what the records and the endpoints still alive say, and remove the rest."""
        with self._lock:
            self._sandboxes.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._load()
            self._endpoints = {endpoint.id: endpoint for endpoint in alive}
            bridge.sysctl("net/ipv4/ip_forward", "1")
            for network in self._bridges():
                bridge.set_up(self._links, network)
            for endpoint in self._endpoints.values():
                self._claim(endpoint)
            redirects = [each for endpoint in self._endpoints.values() for each in _redirects(endpoint)]
            self._firewall.set_up([_rules(network) for network in self._bridges()], redirects)
            self._sweep()

    def _load(self) -> None:
        rows = self._database.read(lambda c: c.execute("SELECT record FROM networks").fetchall())
        for (blob,) in rows:
            network = msgspec.json.decode(blob, type=Network)
            self._networks[network.id] = network
        for name in PREDEFINED:
            if not any(network.name == name for network in self._networks.values()):
                self._store(self._predefined(name))
        for network in self._bridges():
            self._addresses[network.id] = _allocator(network)

    def _predefined(self, name: str) -> Network:
        network = Network(id=secrets.token_hex(32), name=name, driver="null" if name == "none" else name, created=self._clock())
        if name != "bridge":
            return network
        settings = self._settings
        if settings.subnet:
            interface = ipaddress.IPv4Interface(settings.subnet)
            subnet, gateway = interface.network, interface.ip
        else:
            subnet = ipam.choose_subnet(self._used_subnets(), settings.pools)
            gateway = subnet[1]
        return msgspec.structs.replace(
            network,
            subnet=str(subnet),
            gateway=str(gateway),
            link=settings.link,
            icc=settings.icc,
            masquerade=settings.masquerade,
            mtu=settings.mtu,
            options=_bridge_options(settings),
        )

    def _used_subnets(self) -> list[ipaddress.IPv4Network]:
        routes = [found for found in self._links.routes() if isinstance(found, ipaddress.IPv4Network)]
        own = [ipaddress.IPv4Network(network.subnet) for network in self._networks.values() if network.subnet]
        return [found for found in routes if found.prefixlen < 32] + own

    def _store(self, network: Network) -> None:
        blob = msgspec.json.encode(network)
        self._database.write(lambda c: c.execute("INSERT INTO networks VALUES (?, ?)", (network.id, blob)))
        self._networks[network.id] = network

    def _bridges(self) -> list[Network]:
        return [network for network in self._networks.values() if network.driver == "bridge"]

    def _claim(self, endpoint: Endpoint) -> None:
        with contextlib.suppress(errors.WherryError):
            if endpoint.address and endpoint.network_id in self._addresses:
                self._addresses[endpoint.network_id].take(ipaddress.IPv4Address(endpoint.address))
        for binding in endpoint.bindings:
            with contextlib.suppress(errors.WherryError):
                self._host_ports.restore(binding)

    def _sweep(self) -> None:
        """Remove sandboxes and veths that belong to no endpoint."""
        alive = {endpoint.sandbox for endpoint in self._endpoints.values()}
        for path in self._sandboxes.iterdir():
            if str(path) not in alive:
                namespaces.remove_network(str(path))
        ours = {network.link for network in self._bridges()}
        names = {bridge.veth_name(endpoint.id) for endpoint in self._endpoints.values()}
        links = self._links.links()
        masters = {link.index for link in links if link.name in ours}
        for link in links:
            if link.kind == "veth" and link.master in masters and link.name not in names:
                with contextlib.suppress(OSError):
                    self._links.run(route.link_delete(link.index))

    def stop(self) -> None:
        """Give the host back what nobody uses: with no endpoint left, the links and the table."""
        with self._lock:
            if not self._endpoints:
                for network in self._bridges():
                    with contextlib.suppress(OSError):
                        bridge.take_down(self._links, network)
                self._firewall.tear_down()
            self._host_ports.close()
            self._links.close()
            self._firewall.close()

    # Records

    def list(self) -> list[Network]:
        return sorted(self._networks.values(), key=lambda network: network.created, reverse=True)

    def find(self, reference: str) -> Network:
        """By id, name or beginning of an id: NoSuchNetwork, AmbiguousNetwork."""
        if reference in self._networks:
            return self._networks[reference]
        named = [network for network in self._networks.values() if network.name == reference]
        if named:
            return named[0]
        found = [network for key, network in self._networks.items() if reference and key.startswith(reference)]
        if len(found) > 1:
            raise AmbiguousNetwork(reference, len(found))
        if not found:
            raise NoSuchNetwork(reference)
        return found[0]

    def endpoints(self, network: Network) -> Sequence[Endpoint]:
        return [endpoint for endpoint in self._endpoints.values() if endpoint.network_id == network.id]

    def create(self, name: str, *, driver: str = "bridge", subnet: str = "", gateway: str = "", ip_range: str = "",
               internal: bool = False, attachable: bool = False, options: dict[str, str] | None = None,
               ipam_options: dict[str, str] | None = None, labels: dict[str, str] | None = None) -> Network:
        """Make a bridge network."""
        if not name.strip():
            raise InvalidNetwork("invalid network name: name is empty")
        if name in PREDEFINED:
            raise PredefinedNetwork("operation is not permitted on predefined bridge network ")
        if driver not in ("bridge", ""):
            raise UnknownDriver(driver)
        with self._lock:
            if any(network.name == name for network in self._networks.values()):
                raise NetworkExists(name)
            chosen = _parse_subnet(subnet) if subnet else ipam.choose_subnet(self._used_subnets(), self._settings.pools)
            for other in self._networks.values():
                if other.subnet and chosen.overlaps(ipaddress.IPv4Network(other.subnet)):
                    raise ipam.PoolOverlaps(chosen, other.subnet, f"network {other.name}")
            options = options or {}
            identifier = secrets.token_hex(32)
            network = Network(
                id=identifier,
                name=name,
                driver="bridge",
                created=self._clock(),
                subnet=str(chosen),
                gateway=gateway or str(chosen[1]),
                ip_range=ip_range,
                link=options.get("com.docker.network.bridge.name", f"br-{identifier[:12]}"),
                internal=internal,
                attachable=attachable,
                icc=options.get("com.docker.network.bridge.enable_icc", "true") == "true",
                masquerade=not internal and options.get("com.docker.network.bridge.enable_ip_masquerade", "true") == "true",
                mtu=int(options.get("com.docker.network.driver.mtu", "0") or 0),
                options=options,
                ipam_options=ipam_options or {},
                labels=labels or {},
            )
            addresses = _allocator(network)
            with contextlib.ExitStack() as undo:
                undo.callback(bridge.take_down, self._links, network)
                bridge.set_up(self._links, network)
                undo.callback(self._firewall.remove_bridge, _rules(network))
                self._firewall.add_bridge(_rules(network))
                faults.hit("network:before-record")
                self._store(network)
                undo.pop_all()
            self._addresses[network.id] = addresses
            return network

    def remove(self, reference: str) -> Network:
        with self._lock:
            network = self.find(reference)
            if network.predefined:
                raise PredefinedNetwork(f"{network.name} is a pre-defined network and cannot be removed")
            used = self.endpoints(network)
            if used:
                raise NetworkInUse(network.name, [f'name:"{e.aliases[0] if e.aliases else e.container[:12]}" id:"{e.id[:12]}"' for e in used])
            self._database.write(lambda c: c.execute("DELETE FROM networks WHERE id = ?", (network.id,)))
            del self._networks[network.id]
            self._addresses.pop(network.id, None)
            self._firewall.remove_bridge(_rules(network))
            bridge.take_down(self._links, network)
            return network

    # Endpoints

    def sandbox(self, container: str) -> str:
        return str(self._sandboxes / container[:12])

    def connect(self, container: str, attachments: Sequence[Attachment]) -> tuple[Endpoint, ...]:
        """Make a sandbox for a container and attach it to networks, in order; all of it or nothing.

        A sandbox attached to nothing (network none) is an endpoint too, without an address.
        """
        path = self.sandbox(container)
        made: list[Endpoint] = []
        with contextlib.ExitStack() as undo:
            namespaces.remove_network(path)
            inside = bridge.make_sandbox(path)
            undo.callback(namespaces.remove_network, path)
            with inside:
                for number, attachment in enumerate(attachments):
                    endpoint = self._attach(container, path, attachment, f"eth{number}", inside, undo)
                    made.append(endpoint)
            faults.hit("network:after-attach")
            undo.pop_all()
        return tuple(made)

    def attach(self, container: str, attachment: Attachment, number: int) -> Endpoint:
        """Attach a running container's sandbox to one more network, as eth<number>."""
        path = self.sandbox(container)
        with contextlib.ExitStack() as undo, bridge.enter_sandbox(path) as inside:
            endpoint = self._attach(container, path, attachment, f"eth{number}", inside, undo)
            undo.pop_all()
        return endpoint

    def _attach(
        self, container: str, path: str, attachment: Attachment, interface: str, inside: route.Route, undo: contextlib.ExitStack
    ) -> Endpoint:
        network = self.find(attachment.network)
        identifier = secrets.token_hex(32)
        base = Endpoint(
            id=identifier,
            container=container,
            network_id=network.id,
            network=network.name,
            driver=network.driver,
            sandbox=path,
            aliases=attachment.aliases,
        )
        if network.driver != "bridge":
            return self._register(base, undo)
        with self._lock:
            addresses = self._addresses[network.id]
            wanted = attachment.address
            address = addresses.take(ipaddress.IPv4Address(wanted)) if wanted else addresses.next()
            undo.callback(addresses.give_back, address)
        endpoint = msgspec.structs.replace(
            base,
            interface=interface,
            mac=attachment.mac or _random_mac(),
            address=str(address),
            prefix=ipaddress.IPv4Network(network.subnet).prefixlen,
            gateway="" if network.internal else network.gateway,
        )
        bindings = []
        for port in attachment.ports:
            binding = self._host_ports.hold(port, str(address))
            undo.callback(self._host_ports.release, binding)
            bindings.append(binding)
        endpoint = msgspec.structs.replace(endpoint, bindings=tuple(bindings))
        undo.callback(bridge.unplug, self._links, endpoint)
        bridge.plug_in(
            self._links,
            inside,
            endpoint,
            network.link,
            default_route=attachment.default_route and not network.internal,
            mtu=network.mtu,
        )
        undo.callback(self._firewall.withdraw, _redirects(endpoint))
        self._firewall.publish(_redirects(endpoint))
        return self._register(endpoint, undo)

    def _register(self, endpoint: Endpoint, undo: contextlib.ExitStack) -> Endpoint:
        self._endpoints[endpoint.id] = endpoint
        undo.callback(self._endpoints.pop, endpoint.id, None)
        return endpoint

    def detach(self, endpoint: Endpoint) -> None:
        """Take one endpoint from a sandbox that goes on."""
        self._release(endpoint)
        if endpoint.address:
            bridge.unplug(self._links, endpoint)

    def disconnect(self, container: str, endpoints: Sequence[Endpoint]) -> None:
        """Give back all that a container's run had: repeatable, and fine for what is gone already."""
        for endpoint in endpoints:
            self._release(endpoint)
        namespaces.remove_network(self.sandbox(container))

    def _release(self, endpoint: Endpoint) -> None:
        self._firewall.withdraw(_redirects(endpoint))
        for binding in endpoint.bindings:
            self._host_ports.release(binding)
        with self._lock:
            known = self._endpoints.pop(endpoint.id, None)
            addresses = self._addresses.get(endpoint.network_id)
            if known and addresses and endpoint.address:
                addresses.give_back(ipaddress.IPv4Address(endpoint.address))


def _allocator(network: Network) -> ipam.Addresses:
    within = ipaddress.IPv4Network(network.ip_range) if network.ip_range else None
    return ipam.Addresses(ipaddress.IPv4Network(network.subnet), ipaddress.IPv4Address(network.gateway), within)


def _parse_subnet(text: str) -> ipaddress.IPv4Network:
    try:
        return ipaddress.IPv4Network(text)
    except ValueError as error:
        raise InvalidNetwork(f"invalid network config: invalid subnet {text}: {error}") from None


def _rules(network: Network) -> BridgeRules:
    return BridgeRules(network.link, network.subnet, network.icc, network.masquerade)


def _redirects(endpoint: Endpoint) -> list[Redirect]:
    return [Redirect(binding, endpoint.address) for binding in endpoint.bindings]


def _random_mac() -> str:
    """Locally administered, unicast."""
    octets = bytearray(os.urandom(6))
    octets[0] = (octets[0] & 0xFC) | 0x02
    return octets.hex(":")


def _bridge_options(settings: Settings) -> dict[str, str]:
    return {
        "com.docker.network.bridge.default_bridge": "true",
        "com.docker.network.bridge.enable_icc": str(settings.icc).lower(),
        "com.docker.network.bridge.enable_ip_masquerade": str(settings.masquerade).lower(),
        "com.docker.network.bridge.host_binding_ipv4": ports.ANY,
        "com.docker.network.bridge.name": settings.link,
        "com.docker.network.driver.mtu": str(settings.mtu or 1500),
    }
