"""A container's input and output: attach, logs, and the size of its terminal."""

from __future__ import annotations

from collections.abc import AsyncIterator

from wherry import errors
from wherry.engine.logs import LogOptions
from wherry.http.message import Query, Response
from wherry.http.websocket import accept
from wherry.server import problems, query, responses, takeover, websocket
from wherry.server.call import Call
from wherry.server.routing import Route

_SYSTEM_ERROR = 3


async def attach(call: Call) -> None:
    container = call.container()
    terminal = container.record.terminal
    attached = await call.engine.attach.open(
        container,
        stdin=query.flag(call.query, "stdin"),
        stdout=query.flag(call.query, "stdout"),
        stderr=query.flag(call.query, "stderr"),
        stream=query.flag(call.query, "stream"),
        replay=query.flag(call.query, "logs"),
        detach_keys=_detach_keys(call.query),
    )
    stream = await takeover.take_over(call, terminal=terminal)
    await takeover.serve(stream, attached.sock, attached.replay)


async def attach_websocket(call: Call) -> None:
    container = call.container()
    attached = await call.engine.attach.open(
        container,
        stdin=query.flag(call.query, "stdin"),
        stdout=query.flag(call.query, "stdout"),
        stderr=query.flag(call.query, "stderr"),
        stream=query.flag(call.query, "stream"),
        replay=query.flag(call.query, "logs"),
        detach_keys=_detach_keys(call.query),
    )
    try:
        client = await accept(call.request)
    except BaseException:
        attached.sock.close()
        raise
    await websocket.serve(client, attached.sock, attached.replay, framed=not container.record.terminal)


def _detach_keys(parameters: Query) -> str | None:
    return parameters.get("detachKeys") or None


async def logs(call: Call) -> Response:
    container = call.container()
    terminal = container.record.terminal
    pieces = call.engine.logs.read(
        container,
        LogOptions(
            stdout=query.flag(call.query, "stdout"),
            stderr=query.flag(call.query, "stderr"),
            since=query.moment(call.query, "since") or 0,
            until=query.moment(call.query, "until") or 0,
            tail=_tail(call.query.get("tail")),
            follow=query.flag(call.query, "follow"),
            timestamps=query.flag(call.query, "timestamps"),
            details=query.flag(call.query, "details"),
        ),
    )
    body = _until_error(pieces, terminal=terminal)
    return responses.stream(takeover.content_type(call.version, terminal=terminal), body)


def _tail(text: str) -> int | None:
    """What is no number, such as "all", means everything."""
    return int(text) if text.isascii() and text.isdigit() else None


async def _until_error(pieces: AsyncIterator[bytes], *, terminal: bool) -> AsyncIterator[bytes]:
    """The output; an error in the middle is told in the stream, since the head has been sent."""
    try:
        async for piece in pieces:
            yield piece
    except (errors.WherryError, OSError) as error:
        message = f"Error grabbing logs: {problems.ours(error, 'reading logs').message}\n".encode()
        yield message if terminal else takeover.frame(_SYSTEM_ERROR, message)


async def resize(call: Call) -> Response:
    rows, columns = query.dimension(call.query, "h"), query.dimension(call.query, "w")
    await call.engine.lifecycle.resize(call.container(), rows, columns)
    return responses.empty(200)


ROUTES = (
    Route("POST", "/containers/{id}/attach", attach),
    Route("GET", "/containers/{id}/attach/ws", attach_websocket),
    Route("GET", "/containers/{id}/logs", logs),
    Route("POST", "/containers/{id}/resize", resize),
)
