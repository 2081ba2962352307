"""Networks for the edge: `network.networks` off the event loop, with its events; joining and leaving of containers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from wherry import errors
from wherry.aio.worker import Worker
from wherry.api import types as api
from wherry.engine.containers import Container, Containers
from wherry.engine.machine import ALIVE
from wherry.engine.publish import Publisher
from wherry.engine.sandboxes import attachment
from wherry.engine.wire import text
from wherry.network.definition import Asked
from wherry.network.endpoint import Endpoint
from wherry.network.network import Network
from wherry.network.networks import Networks


class CannotConnect(errors.InvalidArgument):
    pass


class AlreadyConnected(errors.PermissionDenied):
    def __init__(self, container: str, network: str) -> None:
        super().__init__(f"endpoint with name {container} already exists in network {network}")


class NotConnected(errors.PermissionDenied):
    def __init__(self, container: str, network: str) -> None:
        super().__init__(f"container {container} is not connected to network {network}")


class NetworkCases:
    def __init__(self, networks: Networks, containers: Containers, publish: Publisher, worker: Worker) -> None:
        self._networks = networks
        self._containers = containers
        self._publish = publish
        self._worker = worker

    def list(self) -> Sequence[Network]:
        return self._networks.list()

    def find(self, reference: str) -> Network:
        return self._networks.find(reference)

    def endpoints(self, network: Network) -> Sequence[tuple[str, Endpoint]]:
        """The names of the containers that are attached now, with their endpoints."""
        return [
            (container.record.name, endpoint)
            for container in self._containers
            for endpoint in container.record.endpoints
            if endpoint.network_id == network.id
        ]

    async def create(self, asked: Asked) -> Network:
        """Make a network."""
        network = await self._worker.run(self._networks.create, asked)
        self._publish.network("create", network.id, network.name, network.driver)
        return network

    async def remove(self, reference: str) -> None:
        network = await self._worker.run(self._networks.remove, reference)
        self._publish.network("destroy", network.id, network.name, network.driver)

    async def prune(self, match: Callable[[Network], bool]) -> Sequence[str]:
        """Remove networks that no container refers to and that match; their names."""
        removed = []
        for network in self._networks.list():
            if network.predefined or self._referred(network) or not match(network):
                continue
            await self.remove(network.id)
            removed.append(network.name)
        return removed

    def _referred(self, network: Network) -> bool:
        return any(
            network.name in container.record.networks or text(container.record.host.network_mode) == network.name
            for container in self._containers
        )

    async def connect(self, reference: str, container: Container, settings: api.EndpointSettings) -> None:
        """Attach a container to one more network: now if it runs, else when it starts."""
        network = self._networks.find(reference)
        async with container.turn:
            record = container.record
            mode = text(record.host.network_mode)
            if mode == "host":
                raise CannotConnect(
                    "container sharing network namespace with the host cannot be connected to any other network"
                )
            if mode.startswith("container:"):
                raise CannotConnect(
                    "container sharing network namespace with another container or host"
                    " cannot be connected to any other network"
                )
            if network.driver != "bridge":
                raise CannotConnect(f"container cannot be connected to network {network.name}")
            if network.name in record.networks or mode == network.name:
                raise AlreadyConnected(record.name, network.name)
            wanted = msgspec.structs.replace(record, networks={**record.networks, network.name: settings})
            if container.state.phase in ALIVE:
                endpoint = await self._worker.run(
                    self._networks.attach, record.id, attachment(record, network.name, settings)
                )
                wanted = msgspec.structs.replace(wanted, endpoints=(*record.endpoints, endpoint))
            await self._containers.save(container, wanted)
        self._publish.network("connect", network.id, network.name, network.driver, record.id)

    async def disconnect(self, reference: str, container: Container) -> None:
        """Take a container off a network."""
        network = self._networks.find(reference)
        async with container.turn:
            record = container.record
            if network.name not in record.networks and text(record.host.network_mode) != network.name:
                raise NotConnected(record.id, network.name)
            for endpoint in record.endpoints:
                if endpoint.network_id == network.id:
                    await self._worker.run(self._networks.detach, endpoint)
            await self._containers.save(
                container,
                msgspec.structs.replace(
                    record,
                    networks={name: each for name, each in record.networks.items() if name != network.name},
                    endpoints=tuple(each for each in record.endpoints if each.network_id != network.id),
                ),
            )
        self._publish.network("disconnect", network.id, network.name, network.driver, record.id)
