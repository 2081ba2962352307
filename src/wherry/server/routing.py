"""Which function answers which path, method and version.

Knows paths and versions. Must not know what a route does. Templates are those of the Engine API's description; a
parameter matches everything, slashes too, since names of images contain them. So fixed paths win over templates,
and longer templates over shorter ones. Unversioned paths mean the newest version.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wherry.api import versions
from wherry.api.versions import Version
from wherry.http.message import Response
from wherry.server.problems import PageNotFound

if TYPE_CHECKING:
    from wherry.server.call import Call

Function = Callable[["Call"], Awaitable[Response | None]]
"""Answers a call; None if it has taken the connection over."""

_PREFIX = re.compile(r"/v([0-9.]+)(/.*)\Z", re.DOTALL)
_PARAMETER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    template: str
    function: Function
    since: Version = versions.MINIMUM


class Router:
    def __init__(self, routes: Iterable[Route]) -> None:
        self._fixed: dict[tuple[str, str], Route] = {}
        self._templates: dict[str, list[tuple[re.Pattern[str], Route]]] = {}
        for route in sorted(routes, key=lambda route: len(route.template), reverse=True):
            if "{" in route.template:
                self._templates.setdefault(route.method, []).append((_pattern(route.template), route))
            else:
                self._fixed[route.method, route.template] = route

    def match(self, method: str, path: str, version: Version) -> tuple[Route, dict[str, str]]:
        """The route and the parameters in the path, which is without version; PageNotFound."""
        route = self._fixed.get((method, path))
        if route and route.since <= version:
            return route, {}
        for pattern, candidate in self._templates.get(method, ()):
            found = pattern.match(path)
            if found and candidate.since <= version:
                return candidate, found.groupdict()
        raise PageNotFound


def split_version(path: str) -> tuple[Version, str]:
    """The version a path asks for and the rest of it: TooNew, TooOld, InvalidVersion."""
    found = _PREFIX.match(path)
    return (versions.negotiated(found[1]), found[2]) if found else (versions.MAXIMUM, path)


def _pattern(template: str) -> re.Pattern[str]:
    text = _PARAMETER.sub(lambda found: f"(?P<{found[1]}>.*)", template)
    return re.compile(text + r"\Z", re.DOTALL)
