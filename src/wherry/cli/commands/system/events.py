"""`wherry events`, `wherry system events`: what happens in the engine, as it happens."""

from __future__ import annotations

import sys
import time

from wherry.cli import flags, queries
from wherry.cli.command import Command, Invocation
from wherry.client import jsontext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _run(call: Invocation) -> int:
    options = call.options
    parameters = []
    for name in ("since", "until"):
        if options.text(name):
            parameters.append((name, queries.moment(options.text(name))))
    parameters += queries.filters(options.list("filter"))
    format = options.text("format")
    show = _plain if not format else _whole if format in ("json", "{{json .}}") else _templated(format)
    for line in call.engine.request("GET", "/events", parameters).lines():
        sys.stdout.write(show(line.lstrip(b"\x1e")) + "\n")
        sys.stdout.flush()
    return 0


def _whole(line: bytes) -> str:
    event = jsontext.decode(line)
    actor = event.get("Actor") or {}
    if actor.get("Attributes"):
        actor["Attributes"] = dict(sorted(actor["Attributes"].items()))
    return jsontext.encode(event)


def _plain(line: bytes) -> str:
    event = jsontext.decode(line)
    words = [_moment(event), event["Type"], event["Action"], event["Actor"]["ID"]]
    attributes = event["Actor"].get("Attributes") or {}
    if attributes:
        words.append("(" + ", ".join(f"{name}={value}" for name, value in sorted(attributes.items())) + ")")
    return " ".join(words)


def _moment(event: dict[str, Any]) -> str:
    nanoseconds = event.get("timeNano") or event["time"] * 10**9
    local = time.localtime(nanoseconds // 10**9)
    zone = time.strftime("%z", local)
    shown = "Z" if zone == "+0000" else f"{zone[:3]}:{zone[3:]}"
    return time.strftime("%Y-%m-%dT%H:%M:%S", local) + f".{nanoseconds % 10**9:09d}{shown}"


def _templated(format: str) -> Any:
    from wherry.cli import template

    parsed = template.parse(format)

    def show(line: bytes) -> str:
        event = jsontext.decode(line)
        names = {
            "TimeNano": "timeNano",
            "Time": "time",
            "Scope": "scope",
            "ID": "id",
            "Status": "status",
            "From": "from",
        }
        return parsed.render({**{name: event.get(key, "") for name, key in names.items()}, **event})

    return show


COMMAND = Command(
    _run,
    "Show what happens in the engine, as it happens",
    "[OPTIONS]",
    flags=(
        flags.filters(),
        flags.text("format", "", "Form of the output: 'json' or a Go TEMPLATE"),
        flags.text("since", "", "Show what happened since a moment or within a duration before now, too"),
        flags.text("until", "", "Stop at a moment"),
    ),
    examples=("events", "events --since 1h --filter type=container --filter event=die"),
)
