"""Volumes: list, create, look at, remove."""

from __future__ import annotations

from wherry.api import types as api
from wherry.api.versions import Version
from wherry.engine.wire import mapping, text
from wherry.http.message import Response
from wherry.server import query, responses, selection
from wherry.server.call import Call
from wherry.server.render import volume as render
from wherry.server.routing import Route

_V1_42 = Version(1, 42)


async def list_(call: Call) -> Response:
    volumes = call.engine.volumes
    chosen = selection.volumes(await volumes.list(), query.filters(call.query), volumes.users)
    return responses.json({"Volumes": [render.inspect(volume) for volume in chosen], "Warnings": None})


async def create(call: Call) -> Response:
    asked = await call.optional_body(api.VolumeCreateRequest) or api.VolumeCreateRequest()
    volume = await call.engine.volumes.create(
        text(asked.name), text(asked.driver) or "local", mapping(asked.labels), mapping(asked.driver_opts)
    )
    return responses.json(render.inspect(volume), 201)


async def inspect(call: Call) -> Response:
    return responses.json(render.inspect(await call.engine.volumes.inspect(call.name)))


async def remove(call: Call) -> Response:
    await call.engine.volumes.remove(call.name, force=query.flag(call.query, "force"))
    return responses.empty()


async def prune(call: Call) -> Response:
    """Since 1.42 only anonymous volumes go, unless the filter `all` says otherwise."""
    match = selection.prunable_volumes(query.filters(call.query), only_anonymous=call.version >= _V1_42)
    removed, space = await call.engine.volumes.prune(match)
    return responses.json({"VolumesDeleted": list(removed) or None, "SpaceReclaimed": space})


ROUTES = (
    Route("GET", "/volumes", list_),
    Route("POST", "/volumes/create", create),
    Route("POST", "/volumes/prune", prune),
    Route("GET", "/volumes/{name}", inspect),
    Route("DELETE", "/volumes/{name}", remove),
)
