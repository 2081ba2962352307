"""The few forms in which routes answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from wherry.http.message import Response

_JSON = [("Content-Type", "application/json")]


def json(value: Any, status: int = 200) -> Response:
    """Anything that msgspec encodes, with Docker's newline at the end."""
    return Response(status, list(_JSON), msgspec.json.encode(value) + b"\n")


def empty(status: int = 204) -> Response:
    return Response(status)


def stream(content_type: str, body: AsyncIterator[bytes]) -> Response:
    """Sent piece by piece, its head at once."""
    return Response(200, [("Content-Type", content_type)], body)
