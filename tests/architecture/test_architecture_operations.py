"""Every operation of the Engine API is answered: by a route of its own, or by a refusal that names it."""

from __future__ import annotations

from collections import Counter

from wherry.api.operations import OPERATIONS
from wherry.server.routes import ROUTES, UNROUTED

DESCRIBED = {(each.method, each.path) for each in OPERATIONS}


def test_every_operation_is_routed_or_refused_and_none_is_both() -> None:
    answered = Counter((route.method, route.template) for route in (*ROUTES, *UNROUTED))
    assert not [key for key, count in answered.items() if count > 1]
    assert not DESCRIBED - set(answered)


def test_every_route_is_an_operation_that_docker_describes() -> None:
    routed = {(route.method, route.template.rstrip("/")) for route in ROUTES}  # Docker takes /networks/ as well
    assert not routed - DESCRIBED
