"""All networks, and attaching containers to them: the order in which things are made and undone.

Knows networks, endpoints and sandboxes. Must not know what a container is, nor how links, addresses or rules are made.
Blocks; safe on any thread. Made in the network namespace that is to be the host's.

    <exec-root>/netns/<first 12 of the container's id>    a sandbox
    <exec-root>/router                                    there if it was us who had the host pass on packets

A crash at any point leaves links, rules or sandboxes that belong to nobody: `start` with the endpoints that are still
alive makes the host equal to them.
"""

from __future__ import annotations

import builtins
import contextlib
import ipaddress
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from wherry import errors, faults
from wherry.linux.netlink import route
from wherry.network import catalogue, definition, ipam, ports
from wherry.network.addressbook import AddressBook
from wherry.network.catalogue import Catalogue
from wherry.network.definition import Asked
from wherry.network.drivers.bridge import Bridge
from wherry.network.drivers.driver import Driver
from wherry.network.drivers.plain import Plain
from wherry.network.endpoint import Endpoint
from wherry.network.firewall import BridgeRules
from wherry.network.hostports import PortTaken
from wherry.network.network import Network, NetworkExists, NetworkFailed, NetworkInUse, PredefinedNetwork, random_mac
from wherry.network.publishing import Publishing
from wherry.network.sandboxes import Sandboxes, sysctl
from wherry.state.database import Database

TABLES = catalogue.TABLES
DEFAULT_LINK = "wherry0"

_log = logging.getLogger(__name__)
_FORWARDING = "net/ipv4/ip_forward"
_SETTING_UP = "failed to set up container networking"


class AddressOnPredefined(errors.InvalidArgument):
    def __init__(self) -> None:
        super().__init__("user-specified IP address is supported on user-defined networks only")


class CannotPublish(errors.Internal):
    def __init__(self, endpoint: Endpoint, error: errors.WherryError) -> None:
        super().__init__(
            f"{_SETTING_UP}: driver failed programming external connectivity on endpoint {endpoint.name} "
            f"({endpoint.id}): {error.message}",
            hint=error.hint,
        )


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """What a container wants of one network, by its name or id.

    `aliases` are the names by which others may know it, its own first. `priority` decides which network has the default
    route and the published ports.
    """

    network: str
    aliases: tuple[str, ...] = ()
    address: str = ""
    mac: str = ""
    priority: int = 0


class Settings(msgspec.Struct, frozen=True):
    """`link` is the interface of the network called bridge, `subnet` its address with prefix ("" to choose)."""

    exec_root: Path
    link: str = DEFAULT_LINK
    subnet: str = ""
    mtu: int = 0
    icc: bool = True
    masquerade: bool = True
    host_address: str = ports.ANY
    pools: tuple[tuple[str, int], ...] = ipam.DEFAULT_POOLS


class Networks:
    def __init__(self, database: Database, settings: Settings, clock: Callable[[], int] = time.time_ns) -> None:
        self._settings = settings
        self._clock = clock
        self._catalogue = Catalogue(database)
        self._links = route.Route()
        self._drivers: dict[str, Driver] = {"bridge": Bridge(self._links), "host": Plain(), "null": Plain()}
        self._publishing = Publishing()
        self._sandboxes = Sandboxes(settings.exec_root / "netns")
        self._lock = threading.RLock()
        """For the two below, and so that no network ends while an endpoint begins."""
        self._addresses = AddressBook(self._drivers)
        self._endpoints: dict[str, Endpoint] = {}

    # Start and stop

    def start(self, alive: Iterable[Endpoint] = ()) -> None:
        """Make the host's links and rules what the records and the endpoints still alive say, and remove the rest."""
        with self._lock:
            self._endpoints = {endpoint.id: endpoint for endpoint in alive}
            self._sandboxes.sweep({endpoint.sandbox for endpoint in self._endpoints.values()})
            self._catalogue.load()
            self._put_predefined()
            networks = self._addressed()
            for network in networks:
                self._addresses.open(network)
                try:
                    self._drivers[network.driver].set_up(network)
                except (OSError, errors.WherryError) as error:
                    _log.error("network %s cannot be set up: %s", network.name, error)
            endpoints = list(self._endpoints.values())
            for endpoint in endpoints:
                self._addresses.claim(endpoint)
            ours = self._become_router()
            self._publishing.start([_rules(network) for network in networks], endpoints, router=not ours)
            sysctl(_FORWARDING, "1")
            for name, driver in self._drivers.items():
                driver.reconcile([each for each in networks if each.driver == name], endpoints)

    def _put_predefined(self) -> None:
        for name in ("none", "host", "bridge"):
            known = self._catalogue.named(name)
            network = known or Network(
                id=secrets.token_hex(32),
                name=name,
                driver="null" if name == "none" else name,
                created=self._clock(),
            )
            if name == "bridge":
                network = self._default_bridge(network)
            if network != known:
                self._catalogue.put(network)

    def _default_bridge(self, known: Network) -> Network:
        """As the settings want it now; the subnet stays what it was if they do not say."""
        settings = self._settings
        same = known.link == settings.link
        link = None if same else self._links.link(settings.link)
        interface = self._default_subnet(known if same else None, link.index if link else 0)
        network = msgspec.structs.replace(
            known,
            subnet=str(interface.network),
            gateway=str(interface.ip),
            link=settings.link,
            adopted=known.adopted if same else link is not None and settings.link != DEFAULT_LINK,
            icc=settings.icc,
            masquerade=settings.masquerade,
            mtu=settings.mtu,
            host_address=settings.host_address,
        )
        return msgspec.structs.replace(network, options=definition.default_options(network))

    def _default_subnet(self, known: Network | None, index: int) -> ipaddress.IPv4Interface:
        """What the settings say, what it was, what the interface has, or a free subnet of the pools."""
        if self._settings.subnet:
            return ipaddress.IPv4Interface(self._settings.subnet)
        if known:
            return ipaddress.IPv4Interface(f"{known.gateway}/{known.prefix}")
        for owner, address in self._links.addresses():
            if owner == index and isinstance(address, ipaddress.IPv4Interface):
                return address
        subnet = definition.choose_subnet(
            Asked(name="bridge"), self._catalogue.list(), self._routes(), self._settings.pools
        )
        return ipaddress.IPv4Interface(f"{subnet[1]}/{subnet.prefixlen}")

    def _routes(self) -> builtins.list[ipam.Subnet]:
        return ipam.relevant_routes(self._links.routes())

    def _become_router(self) -> bool:
        """Whether it is, or was, for us that the host passes on packets: then it shall pass on no others."""
        mark = self._settings.exec_root / "router"
        if Path("/proc/sys", _FORWARDING).read_text(encoding="ascii").strip() == "0":
            mark.touch()
        return mark.exists()

    def stop(self) -> None:
        """Give the host back what nobody uses: with no endpoint left, the links and the table."""
        with self._lock:
            unused = not self._endpoints
            if unused:
                mark = self._settings.exec_root / "router"
                if mark.exists():
                    sysctl(_FORWARDING, "0")
                    mark.unlink()
            self._publishing.stop(tear_down=unused)
            for network in self._addressed() if unused else ():
                with contextlib.suppress(OSError):
                    self._drivers[network.driver].take_down(network)
            self._links.close()

    # Networks

    def list(self) -> builtins.list[Network]:
        """The newest first."""
        return self._catalogue.list()

    def find(self, reference: str) -> Network:
        """By id, name or beginning of an id: NoSuchNetwork, AmbiguousNetwork."""
        return self._catalogue.find(reference)

    def endpoints(self, network: Network) -> builtins.list[Endpoint]:
        """Those attached now."""
        with self._lock:
            return [endpoint for endpoint in self._endpoints.values() if endpoint.network_id == network.id]

    def _addressed(self) -> builtins.list[Network]:
        return [network for network in self._catalogue.list() if self._drivers[network.driver].addressed]

    def create(self, asked: Asked) -> Network:
        """Make a network. The record is written first: a crash leaves a network that `start` completes."""
        definition.check(asked)
        with self._lock, _kernel("failed to create network"), contextlib.ExitStack() as undo:
            if self._catalogue.named(asked.name):
                raise NetworkExists(asked.name)
            networks = self._catalogue.list()
            subnet = definition.choose_subnet(asked, networks, self._routes(), self._settings.pools)
            network = definition.network(asked, subnet, secrets.token_hex(32), self._clock())
            for other in networks:
                if other.link == network.link:
                    raise definition.SameBridge(network, other)
            if self._links.link(network.link):
                network = msgspec.structs.replace(network, adopted=True)
            self._catalogue.put(network)
            undo.callback(self._catalogue.remove, network)
            faults.hit("network:after-record")
            driver = self._drivers[network.driver]
            undo.callback(driver.take_down, network)
            driver.set_up(network)
            faults.hit("network:after-set-up")
            undo.callback(self._publishing.firewall.remove_bridge, _rules(network))
            self._publishing.firewall.add_bridge(_rules(network))
            self._addresses.open(network)
            undo.pop_all()
            return network

    def remove(self, reference: str) -> Network:
        """Remove a network that has no endpoints: NoSuchNetwork, PredefinedNetwork, NetworkInUse.

        The record goes last: a crash leaves a network that can be removed again.
        """
        with self._lock, _kernel("failed to remove network"):
            network = self.find(reference)
            if network.predefined:
                raise PredefinedNetwork(f"{network.name} is a pre-defined network and cannot be removed")
            used = self.endpoints(network)
            if used:
                raise NetworkInUse(network.name, [(endpoint.name, endpoint.id) for endpoint in used])
            self._addresses.close(network)
            self._publishing.firewall.remove_bridge(_rules(network))
            self._drivers[network.driver].take_down(network)
            faults.hit("network:after-take-down")
            self._catalogue.remove(network)
            return network

    # Endpoints

    def sandbox(self, container: str) -> str:
        """Where the network namespace of a running container is, for whoever shares it."""
        return self._sandboxes.path(container)

    def connect(
        self, container: str, attachments: Sequence[Attachment], published: Sequence[ports.Wanted] = ()
    ) -> tuple[Endpoint, ...]:
        """Make a sandbox for a container and attach it to networks, as eth0, eth1 …; all of it or nothing.

        A sandbox attached to nothing (network none) is an endpoint too, without an address. Ports are published where
        the default route is; without one (no network, or an internal one) not at all.
        """
        with _kernel(_SETTING_UP), contextlib.ExitStack() as undo:
            wanted = [(self.find(attachment.network), attachment) for attachment in attachments]
            leading = min(filter(_leads_out, wanted), key=_rank, default=None)
            made = []
            with self._sandboxes.make(container) as inside:
                undo.callback(self._sandboxes.remove, container)
                faults.hit("connect:after-sandbox")
                for network, attachment in wanted:
                    endpoint = self._begin(container, network, attachment)
                    undo.callback(self._end, endpoint)
                    leads = leading is not None and attachment is leading[1]
                    self._drivers[endpoint.driver].join(network, endpoint, inside, default_route=leads)
                    faults.hit("connect:after-join")
                    made.append(self._publish(endpoint, network, published, undo) if leads else endpoint)
            faults.hit("connect:after-publish")
            undo.pop_all()
            return tuple(made)

    def attach(self, container: str, attachment: Attachment) -> Endpoint:
        """Attach a running container's sandbox to one more network."""
        with _kernel(_SETTING_UP), contextlib.ExitStack() as undo, self._sandboxes.enter(container) as inside:
            network = self.find(attachment.network)
            endpoint = self._begin(container, network, attachment)
            undo.callback(self._end, endpoint)
            driver = self._drivers[endpoint.driver]
            undo.callback(driver.leave, endpoint)
            driver.join(network, endpoint, inside, default_route=self._leading(container) is endpoint)
            undo.pop_all()
            return endpoint

    def detach(self, endpoint: Endpoint) -> None:
        """Take one endpoint from a sandbox that goes on. Repeatable."""
        with _kernel("failed to detach from the network"):
            with self._lock:
                known = self._endpoints.pop(endpoint.id, None)
            if not known:
                return
            self._publishing.withdraw([known])
            self._drivers[known.driver].leave(known)
            with self._lock:
                self._addresses.free(known)
                leading = self._leading(known.container)
            if leading:
                with self._sandboxes.enter(known.container) as inside:
                    inside.run(route.route_add(ipaddress.IPv4Address(leading.gateway), replace=True))

    def disconnect(self, container: str, endpoints: Sequence[Endpoint]) -> None:
        """Give back all that a container's run had: repeatable, and fine for what is gone already."""
        with _kernel("failed to give the network back"):
            with self._lock:
                known = [each for each in endpoints if self._endpoints.pop(each.id, None)]
            self._publishing.withdraw(known)
            faults.hit("disconnect:after-withdraw")
            self._sandboxes.remove(container)
            with self._lock:
                for endpoint in known:
                    self._addresses.depart(endpoint)

    def _begin(self, container: str, network: Network, attachment: Attachment) -> Endpoint:
        """An endpoint with its address, known from now on, but not in the kernel yet."""
        endpoint = Endpoint(
            id=secrets.token_hex(32),
            container=container,
            network_id=network.id,
            network=network.name,
            driver=network.driver,
            sandbox=self._sandboxes.path(container),
            aliases=attachment.aliases,
            priority=attachment.priority,
        )
        if attachment.address and network.predefined:
            raise AddressOnPredefined
        with self._lock:
            self.find(network.id)
            if self._drivers[network.driver].addressed:
                endpoint = msgspec.structs.replace(
                    endpoint,
                    interface=self._free_interface(container, network.interface_prefix),
                    mac=attachment.mac or random_mac(),
                    address=self._addresses.take(network, attachment.address),
                    prefix=network.prefix,
                    gateway="" if network.internal else network.gateway,
                )
            self._endpoints[endpoint.id] = endpoint
        return endpoint

    def _end(self, endpoint: Endpoint) -> None:
        with self._lock:
            if self._endpoints.pop(endpoint.id, None):
                self._addresses.depart(endpoint)

    def _free_interface(self, container: str, prefix: str) -> str:
        used = {endpoint.interface for endpoint in self._endpoints.values() if endpoint.container == container}
        return next(name for name in (f"{prefix}{number}" for number in range(len(used) + 1)) if name not in used)

    def _publish(
        self, endpoint: Endpoint, network: Network, wanted: Sequence[ports.Wanted], undo: contextlib.ExitStack
    ) -> Endpoint:
        default = network.host_address or self._settings.host_address
        addressed = [
            each if each.host_address else msgspec.structs.replace(each, host_address=default) for each in wanted
        ]
        try:
            published = self._publishing.publish(endpoint, addressed, undo)
        except PortTaken as error:
            raise CannotPublish(endpoint, error) from None
        with self._lock:
            self._endpoints[endpoint.id] = published
        return published

    def _leading(self, container: str) -> Endpoint | None:
        """Of a container's endpoints the one that has the default route."""
        with self._lock:
            outward = [each for each in self._endpoints.values() if each.container == container and each.gateway]
        return min(outward, key=lambda each: (-each.priority, each.network), default=None)


def _leads_out(wanted: tuple[Network, Attachment]) -> bool:
    network, _ = wanted
    return bool(network.gateway) and not network.internal


def _rank(wanted: tuple[Network, Attachment]) -> tuple[int, str]:
    network, attachment = wanted
    return -attachment.priority, network.name


def _rules(network: Network) -> BridgeRules:
    return BridgeRules(network.link, network.subnet, network.icc, network.masquerade, network.internal)


@contextlib.contextmanager
def _kernel(doing: str) -> Iterator[None]:
    """What the kernel refuses, said as an error of ours."""
    try:
        yield
    except OSError as error:
        raise NetworkFailed(doing, error) from error
