"""The handler that the HTTP server calls: version, route, call, and the headers that every answer carries.

Knows Docker's middleware. Must not know routes one by one.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from wherry.http.message import Request, Response
from wherry.server import problems
from wherry.server.api_headers import HEADERS
from wherry.server.call import Call
from wherry.server.routes import ROUTES, UNROUTED
from wherry.server.routing import Router, split_version

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

_log = logging.getLogger(__name__)


class Api:
    """Give `handle` and `answer_error` to `wherry.http.server.Server`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._router = Router((*ROUTES, *UNROUTED))

    async def handle(self, request: Request) -> Response | None:
        _log.debug("%s %s", request.method, request.target)
        try:
            if request.method == "OPTIONS":
                return _complete(Response(200))
            version, path = split_version(request.path)
            route, parameters = self._router.match(request.method, path, version)
            response = await route.function(Call(self._engine, request, version, parameters))
        except Exception as error:
            return self.answer_error(error, request)
        return response and _complete(response)

    def answer_error(self, error: Exception, request: Request | None) -> Response:
        """A response for any exception; one that is not ours is logged with its traceback."""
        doing = f"{request.method} {request.path}" if request else "reading a request"
        return _complete(problems.answer(problems.ours(error, doing)))


def _complete(response: Response) -> Response:
    response.headers.extend(HEADERS)
    return response
