"""The engine as a whole: ping, version, info, events, disk usage."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import AsyncIterator
from typing import Any

import wherry
from wherry.api import versions
from wherry.api.versions import Version
from wherry.engine.events import Event
from wherry.http.message import Response
from wherry.server import query, responses, selection
from wherry.server.call import Call
from wherry.server.render import container, event
from wherry.server.render import disk_usage as render_usage
from wherry.server.render import info as render
from wherry.server.render.configs import V1_52
from wherry.server.routing import Route

_PING_HEADERS = (
    ("Content-Type", "text/plain; charset=utf-8"),
    ("Cache-Control", "no-cache, no-store, must-revalidate"),
    ("Pragma", "no-cache"),
    ("Builder-Version", "1"),
    ("Swarm", "inactive"),
)
_JSON, _LINES, _ND, _SEQUENCE = (
    "application/json",
    "application/jsonl",
    "application/x-ndjson",
    "application/json-seq",
)
_RECORD_SEPARATOR = b"\x1e"


async def ping(_call: Call) -> Response:
    return Response(200, list(_PING_HEADERS), b"OK")


async def ping_head(_call: Call) -> Response:
    return Response(200, list(_PING_HEADERS))


async def version(_call: Call) -> Response:
    kernel = os.uname().release
    machine = render.architecture(platform.machine())
    details = {
        "ApiVersion": str(versions.MAXIMUM),
        "Arch": machine,
        "Experimental": "false",
        "KernelVersion": kernel,
        "MinAPIVersion": str(versions.MINIMUM),
        "Os": "linux",
        "PythonVersion": platform.python_version(),
    }
    return responses.json(
        {
            "Platform": {"Name": "wherry"},
            "Components": [{"Name": "Engine", "Version": wherry.__version__, "Details": details}],
            "Version": wherry.__version__,
            "ApiVersion": str(versions.MAXIMUM),
            "MinAPIVersion": str(versions.MINIMUM),
            "GitCommit": "",
            "GoVersion": "",
            "Os": "linux",
            "Arch": machine,
            "KernelVersion": kernel,
        }
    )


async def info(call: Call) -> Response:
    return responses.json(render.info(await call.engine.info(), call.version))


async def events(call: Call) -> Response:
    found = call.engine.events.subscribe(
        query.moment(call.query, "since"),
        query.moment(call.query, "until"),
        selection.events(query.filters(call.query)),
    )
    content_type = _event_type(call)
    return responses.stream(content_type, _lines(found, call.version, sequence=content_type == _SEQUENCE))


def _event_type(call: Call) -> str:
    """By `Accept` from 1.52 on; before, what is in truth a sequence of objects is called JSON."""
    if call.version < V1_52:
        return _JSON
    accepted = {word.partition(";")[0].strip() for word in call.request.headers.tokens("accept")}
    return next((each for each in (_LINES, _ND, _SEQUENCE) if each in accepted), _LINES)


async def _lines(found: AsyncIterator[Event], api: Version, *, sequence: bool) -> AsyncIterator[bytes]:
    async for each in found:
        yield (_RECORD_SEPARATOR if sequence else b"") + event.line(each, api)


async def disk_usage(call: Call) -> Response:
    """Only the kinds that `type` names; without it all."""
    wanted = set(call.query.all("type"))
    form = render_usage.Form(call.version, query.flag(call.query, "verbose"))
    records = call.engine.containers.records()
    written: dict[str, Any] = {}
    if not wanted or "image" in wanted:
        written |= render_usage.images(form, await call.engine.images.df(), records)
    if not wanted or "container" in wanted:
        sizes = {record.id: container.Sizes(*await call.engine.disk_usage(record)) for record in records}
        written |= render_usage.containers(form, sizes, records, time.time_ns())
    if not wanted or "volume" in wanted:
        volumes = call.engine.volumes
        uses = [
            render_usage.VolumeUse(each, await volumes.usage(each), volumes.users(each.name))
            for each in await volumes.list()
        ]
        written |= render_usage.volumes(form, uses)
    if not wanted or "build-cache" in wanted:
        written |= render_usage.build_cache(form)
    return responses.json(written)


ROUTES = (
    Route("GET", "/_ping", ping),
    Route("HEAD", "/_ping", ping_head),
    Route("GET", "/version", version),
    Route("GET", "/info", info),
    Route("GET", "/events", events),
    Route("GET", "/system/df", disk_usage),
)
