"""Processes that are added to a running container."""

from __future__ import annotations

import msgspec

from wherry import errors
from wherry.api import types as api
from wherry.api.versions import Version
from wherry.http.message import Response
from wherry.server import query, responses, takeover
from wherry.server.api_headers import HEADERS
from wherry.server.call import Call
from wherry.server.render import exec as render
from wherry.server.routing import Route

_V1_42 = Version(1, 42)


class InvalidConsoleSize(errors.InvalidArgument):
    def __init__(self) -> None:
        super().__init__("invalid console size: it must be [height, width]")


async def create(call: Call) -> Response:
    container = call.container()
    config = await call.body(api.ContainerExecRequest)
    if call.version < _V1_42:
        config = msgspec.structs.replace(config, console_size=None)
    return responses.json({"Id": await call.engine.execs.create(container, config)}, 201)


async def start(call: Call) -> Response | None:
    """The head is sent before the process starts, since docker-py loses output that comes in one piece with it.

    So what goes wrong from then on is said in the stream.
    """
    asked = await call.optional_body(api.ExecStartRequest) or api.ExecStartRequest()
    call.engine.execs.inspect(call.id)
    size = _size(asked.console_size)
    if asked.detach is True:
        await call.engine.execs.start(call.id, detach=True)
        return responses.empty(200)
    raw = asked.tty is True
    stream = await takeover.take_over(call, terminal=raw, headers=HEADERS)
    try:
        sock = await call.engine.execs.start(call.id, detach=False, raw=raw, size=size)
    except errors.WherryError as error:
        await takeover.say(stream, f"{error.message}\r\n", terminal=raw)
        return None
    if sock is not None:
        await takeover.serve(stream, sock)
    return None


def _size(given: list[int] | msgspec.UnsetType | None) -> tuple[int, int] | None:
    if not isinstance(given, list) or not any(given):
        return None
    if len(given) != 2:
        raise InvalidConsoleSize
    return given[0], given[1]


async def inspect(call: Call) -> Response:
    return responses.json(render.inspect(call.engine.execs.inspect(call.id)))


async def resize(call: Call) -> Response:
    rows, columns = query.dimension(call.query, "h"), query.dimension(call.query, "w")
    await call.engine.execs.resize(call.id, rows, columns)
    return responses.empty(200)


ROUTES = (
    Route("POST", "/containers/{id}/exec", create),
    Route("POST", "/exec/{id}/start", start),
    Route("GET", "/exec/{id}/json", inspect),
    Route("POST", "/exec/{id}/resize", resize),
)
