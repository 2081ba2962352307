"""Networks: list, create, look at, connect containers, remove."""

from __future__ import annotations

from wherry import errors
from wherry.api import types as api
from wherry.api.versions import Version
from wherry.engine.wire import flag, items, mapping, text
from wherry.http.message import Response
from wherry.network.definition import Asked
from wherry.server import query, responses, selection
from wherry.server.call import Call
from wherry.server.render import network as render
from wherry.server.routing import Route

_V1_28 = Version(1, 28)


class UnsupportedNetworkOption(errors.Unsupported):
    def __init__(self, option: str) -> None:
        super().__init__(f"networks with {option} are not implemented")


async def list_(call: Call) -> Response:
    networks, records = call.engine.networks, call.engine.containers.records()
    chosen = selection.networks(
        networks.list(),
        query.filters(call.query),
        lambda network: any(e.network_id == network.id for record in records for e in record.endpoints),
    )
    if call.version < _V1_28:
        return responses.json([render.inspect(network, call.version, records) for network in chosen])
    return responses.json([render.summary(network, call.version) for network in chosen])


async def inspect(call: Call) -> Response:
    network = call.engine.networks.find(call.id)
    return responses.json(render.inspect(network, call.version, call.engine.containers.records()))


async def create(call: Call) -> Response:
    asked = await call.body(api.NetworkCreateRequest)
    for option, wanted in (
        ("Ingress", flag(asked.ingress)),
        ("ConfigOnly", flag(asked.config_only)),
        ("EnableIPv6", flag(asked.enable_ipv6)),
        ("EnableIPv4=false", asked.enable_ipv4 is False),
        ("scope swarm", text(asked.scope) == "swarm"),
    ):
        if wanted:
            raise UnsupportedNetworkOption(option)
    subnet = _subnet(asked.ipam)
    definition = Asked(
        name=text(asked.name),
        driver=text(asked.driver) or "bridge",
        subnet=text(subnet.subnet),
        gateway=text(subnet.gateway),
        ip_range=text(subnet.ip_range),
        reserved=mapping(subnet.auxiliary_addresses),
        internal=flag(asked.internal),
        attachable=flag(asked.attachable),
        options=mapping(asked.options),
        ipam_options=mapping(asked.ipam.options) if isinstance(asked.ipam, api.IPAM) else {},
        labels=mapping(asked.labels),
    )
    network = await call.engine.networks.create(definition)
    return responses.json({"Id": network.id, "Warning": ""}, 201)


def _subnet(ipam: object) -> api.IPAMConfig:
    if not isinstance(ipam, api.IPAM):
        return api.IPAMConfig()
    if text(ipam.driver) not in ("", "default"):
        raise UnsupportedNetworkOption(f"IPAM driver {text(ipam.driver)}")
    configs = items(ipam.config)
    if len(configs) > 1:
        raise UnsupportedNetworkOption("several subnets")
    return configs[0] if configs else api.IPAMConfig()


async def remove(call: Call) -> Response:
    await call.engine.networks.remove(call.id)
    return responses.empty()


async def connect(call: Call) -> Response:
    asked = await call.body(api.NetworkConnectRequest)
    container = call.engine.containers.find(text(asked.container))
    settings = asked.endpoint_config if isinstance(asked.endpoint_config, api.EndpointSettings) else None
    await call.engine.networks.connect(call.id, container, settings or api.EndpointSettings())
    return responses.empty(200)


async def disconnect(call: Call) -> Response:
    asked = await call.body(api.NetworkDisconnectRequest)
    container = call.engine.containers.find(text(asked.container))
    await call.engine.networks.disconnect(call.id, container)
    return responses.empty(200)


async def prune(call: Call) -> Response:
    removed = await call.engine.networks.prune(selection.prunable_networks(query.filters(call.query)))
    return responses.json({"NetworksDeleted": list(removed) or None})


ROUTES = (
    Route("GET", "/networks", list_),
    Route("GET", "/networks/", list_),
    Route("POST", "/networks/create", create),
    Route("POST", "/networks/prune", prune),
    Route("POST", "/networks/{id}/connect", connect),
    Route("POST", "/networks/{id}/disconnect", disconnect),
    Route("GET", "/networks/{id}", inspect),
    Route("DELETE", "/networks/{id}", remove),
)
