"""Engine plugins: there are none, and clients that look for some are told so."""

from __future__ import annotations

from wherry import errors
from wherry.http.message import Response
from wherry.server import responses
from wherry.server.call import Call
from wherry.server.routing import Route


class NoSuchPlugin(errors.NotFound):
    def __init__(self, name: str) -> None:
        super().__init__(f'plugin "{name}" not found')


async def list_(_call: Call) -> Response:
    return responses.json([])


async def inspect(call: Call) -> Response:
    """`docker inspect` asks here last; any other error would hide that nothing has the name."""
    raise NoSuchPlugin(call.name)


ROUTES = (
    Route("GET", "/plugins", list_),
    Route("GET", "/plugins/{name}/json", inspect),
)
