"""An event as one line of `GET /events`."""

from __future__ import annotations

from typing import Any

import msgspec

from wherry.api.versions import Version
from wherry.engine.events import Event
from wherry.server.render.configs import V1_52

_SECOND = 10**9


def line(event: Event, version: Version) -> bytes:
    """One JSON object and a newline. Before 1.52 containers and images say `status`, `id` and `from` as well."""
    written: dict[str, Any] = {}
    if version < V1_52 and event.type in ("container", "image"):
        written = {"status": event.action, "id": event.actor}
        if image := event.attributes.get("image"):
            written["from"] = image
    written |= {
        "Type": event.type,
        "Action": event.action,
        "Actor": {"ID": event.actor, "Attributes": event.attributes},
        "scope": "local",
        "time": event.time // _SECOND,
        "timeNano": event.time,
    }
    return msgspec.json.encode(written) + b"\n"
