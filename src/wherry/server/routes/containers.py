"""Containers: list, create, look at, move through their life, remove.

This is the pattern for all routes: read the request's parts, make one call into the engine, write what it returns.
Whatever would need a second call belongs into the engine. Errors are raised and become answers elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from functools import lru_cache

import msgspec

from wherry import errors
from wherry.api import types as api
from wherry.api.versions import Version
from wherry.engine.records import Exit, Record
from wherry.http.message import Response
from wherry.server import adaptation, query, responses, selection
from wherry.server.call import Call
from wherry.server.render import container as render
from wherry.server.routing import Route

_V1_30 = Version(1, 30)
_V1_42 = Version(1, 42)
_EMPTY_ENOUGH = 7
"""Bytes of a body that some old clients send with a start: "null", "{}" and the like."""


class BodyWithStart(errors.InvalidArgument):
    def __init__(self) -> None:
        super().__init__(
            "starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24"
        )


class LinksNotImplemented(errors.Unsupported):
    def __init__(self) -> None:
        super().__init__("legacy links are not implemented", hint="use a network: containers find each other by name")


async def list_(call: Call) -> Response:
    engine = call.engine

    @lru_cache
    def image_id(reference: str) -> str:
        try:
            return engine.images.resolve(reference).id
        except errors.WherryError:
            return ""

    def shown_image(record: Record) -> str:
        return record.image if image_id(record.image) == record.image_id else record.image_id

    chosen = selection.containers(
        engine.containers.records(),
        query.filters(call.query),
        everything=query.flag(call.query, "all"),
        limit=query.integer(call.query, "limit") or 0,
        find=lambda reference: engine.containers.find(reference).record,
        image_id=image_id,
    )
    with_size = query.flag(call.query, "size")
    now = time.time_ns()
    return responses.json(
        [
            render.summary(
                record, call.version, now, image=shown_image(record), sizes=await _sizes(call, record, wanted=with_size)
            )
            for record in chosen
        ]
    )


async def create(call: Call) -> Response:
    request = adaptation.create_request(await call.body(api.ContainerCreateRequest), call.version)
    created = await call.engine.create(request, call.query.get("name") or None, call.query.get("platform") or None)
    return responses.json({"Id": created.id, "Warnings": list(created.warnings)}, 201)


async def inspect(call: Call) -> Response:
    container = call.container()
    return responses.json(
        render.inspect(
            container.record,
            call.version,
            driver=call.engine.storage_driver,
            execs=call.engine.execs.of(container),
            sizes=await _sizes(call, container.record, wanted=query.flag(call.query, "size")),
        )
    )


async def _sizes(call: Call, record: Record, *, wanted: bool) -> render.Sizes | None:
    return render.Sizes(*await call.engine.disk_usage(record)) if wanted else None


async def top(call: Call) -> Response:
    found = await call.engine.lifecycle.top(call.container(), call.query.get("ps_args") or "-ef")
    return responses.json({"Titles": found.titles, "Processes": found.processes})


async def start(call: Call) -> Response:
    length = call.request.body.length
    if length is None or length > _EMPTY_ENOUGH:
        raise BodyWithStart
    started = await call.engine.lifecycle.start(call.container())
    return responses.empty(204 if started else 304)


async def stop(call: Call) -> Response:
    stopped = await call.engine.lifecycle.stop(call.container(), query.integer(call.query, "t"), _signal(call))
    return responses.empty(204 if stopped else 304)


async def restart(call: Call) -> Response:
    await call.engine.lifecycle.restart(call.container(), query.integer(call.query, "t"), _signal(call))
    return responses.empty()


def _signal(call: Call) -> str | None:
    return call.query.get("signal") or None if call.version >= _V1_42 else None


async def kill(call: Call) -> Response:
    await call.engine.lifecycle.kill(call.container(), call.query.get("signal") or None, call.id)
    return responses.empty()


async def rename(call: Call) -> Response:
    await call.engine.lifecycle.rename(call.container(), call.query.get("name"))
    return responses.empty()


async def pause(call: Call) -> Response:
    await call.engine.lifecycle.pause(call.container())
    return responses.empty()


async def unpause(call: Call) -> Response:
    await call.engine.lifecycle.unpause(call.container())
    return responses.empty()


async def wait(call: Call) -> Response:
    """The head is sent at once: by that the client knows that it will not miss the exit."""
    condition = call.query.get("condition") if call.version >= _V1_30 else ""
    exit_ = call.engine.lifecycle.wait(call.container(), condition)

    async def answer() -> AsyncIterator[bytes]:
        yield _exit(await exit_)

    return responses.stream("application/json", answer())


def _exit(exit_: Exit) -> bytes:
    """Without the reason of a failed start: whoever asked for the start gets it, and `docker run` would show both."""
    return msgspec.json.encode({"StatusCode": exit_.code}) + b"\n"


async def delete(call: Call) -> Response:
    if query.flag(call.query, "link"):
        raise LinksNotImplemented
    await call.engine.lifecycle.remove(
        call.container(), force=query.flag(call.query, "force"), volumes=query.flag(call.query, "v")
    )
    return responses.empty()


async def prune(call: Call) -> Response:
    pruned = await call.engine.prune(selection.prunable_containers(query.filters(call.query)))
    return responses.json({"ContainersDeleted": list(pruned.ids) or None, "SpaceReclaimed": pruned.space})


ROUTES = (
    Route("GET", "/containers/json", list_),
    Route("POST", "/containers/create", create),
    Route("POST", "/containers/prune", prune),
    Route("GET", "/containers/{id}/json", inspect),
    Route("GET", "/containers/{id}/top", top),
    Route("POST", "/containers/{id}/start", start),
    Route("POST", "/containers/{id}/stop", stop),
    Route("POST", "/containers/{id}/restart", restart),
    Route("POST", "/containers/{id}/kill", kill),
    Route("POST", "/containers/{id}/rename", rename),
    Route("POST", "/containers/{id}/pause", pause),
    Route("POST", "/containers/{id}/unpause", unpause),
    Route("POST", "/containers/{id}/wait", wait),
    Route("DELETE", "/containers/{id}", delete),
)
