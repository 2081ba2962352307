"""All routes, and an answer for every operation of the API that has none: never a bare 404 for what Docker has.

containers  streams  execs  images  networks  volumes  plugins  system
"""

from __future__ import annotations

from typing import NoReturn

from wherry.api import versions
from wherry.api.operations import OPERATIONS, Operation
from wherry.server.call import Call
from wherry.server.problems import NoSwarm, NotImplementedYet
from wherry.server.routes import containers, execs, images, networks, plugins, streams, system, volumes
from wherry.server.routing import Function, Route

ROUTES = (
    *containers.ROUTES,
    *streams.ROUTES,
    *execs.ROUTES,
    *images.ROUTES,
    *networks.ROUTES,
    *volumes.ROUTES,
    *plugins.ROUTES,
    *system.ROUTES,
)
"""What is implemented."""

_SWARM = frozenset({"Swarm", "Node", "Service", "Task", "Secret", "Config"})


def _refusal(operation: Operation) -> Function:
    async def refuse(_call: Call) -> NoReturn:
        if operation.tag in _SWARM and operation.id not in ("SwarmInit", "SwarmJoin"):
            raise NoSwarm
        raise NotImplementedYet(operation.id, f"{operation.method} {operation.path}")

    return refuse


_ROUTED = frozenset((route.method, route.template) for route in ROUTES)

UNROUTED = tuple(
    Route(operation.method, operation.path, _refusal(operation), versions.parse(operation.since))
    for operation in OPERATIONS
    if (operation.method, operation.path) not in _ROUTED
)
"""What is not: 501 with the operation's name, or what a node outside a swarm says."""
