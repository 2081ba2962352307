"""Paths, versions and parameters find their route; every operation of the API has an answer."""

from __future__ import annotations

import pytest

from wherry.api.operations import OPERATIONS
from wherry.api.versions import MAXIMUM, MINIMUM, TooNew, TooOld, Version
from wherry.server.problems import PageNotFound
from wherry.server.routes import ROUTES, UNROUTED
from wherry.server.routing import Route, Router, split_version


async def nothing(_call: object) -> None:
    return None


ROUTER = Router(
    [
        Route("GET", "/images/{name}/json", nothing),
        Route("GET", "/images/json", nothing),
        Route("DELETE", "/images/{name}", nothing),
        Route("GET", "/new", nothing, Version(1, 44)),
    ]
)


@pytest.mark.parametrize("name", ["busybox", "ghcr.io/a/b:1", "a@sha256:0", "x/json", ""])
def test_a_parameter_matches_slashes_and_colons(name: str) -> None:
    route, parameters = ROUTER.match("GET", f"/images/{name}/json", MAXIMUM)
    assert route.template == "/images/{name}/json"
    assert parameters == {"name": name}


def test_a_fixed_path_wins_over_a_template() -> None:
    assert ROUTER.match("GET", "/images/json", MAXIMUM)[0].template == "/images/json"


@pytest.mark.parametrize(("method", "path"), [("POST", "/images/json"), ("GET", "/nothing"), ("GET", "/images/json/")])
def test_an_unknown_path_or_method_is_a_page_not_found(method: str, path: str) -> None:
    with pytest.raises(PageNotFound):
        ROUTER.match(method, path, MAXIMUM)


def test_a_route_is_unknown_to_versions_before_it() -> None:
    assert ROUTER.match("GET", "/new", Version(1, 44))
    with pytest.raises(PageNotFound):
        ROUTER.match("GET", "/new", Version(1, 43))


def test_an_unversioned_path_means_the_newest_version() -> None:
    assert split_version("/_ping") == (MAXIMUM, "/_ping")
    assert split_version("/v1.30/images/v1.2/x") == (Version(1, 30), "/images/v1.2/x")
    assert split_version("/version") == (MAXIMUM, "/version")


def test_versions_outside_the_range_are_refused_in_dockers_words() -> None:
    with pytest.raises(TooNew, match="client version 1.99 is too new. Maximum supported API version is"):
        split_version("/v1.99/info")
    with pytest.raises(TooOld, match=f"client version 1.20 is too old. Minimum supported API version is {MINIMUM}, "):
        split_version("/v1.20/info")


def test_every_operation_of_the_api_is_routed_or_refused_by_name() -> None:
    answered = {(route.method, route.template) for route in (*ROUTES, *UNROUTED)}
    assert {(operation.method, operation.path) for operation in OPERATIONS} <= answered


def test_no_operation_is_routed_twice() -> None:
    keys = [(route.method, route.template) for route in (*ROUTES, *UNROUTED)]
    assert len(keys) == len(set(keys))


def test_every_operation_finds_its_own_route() -> None:
    router = Router((*ROUTES, *UNROUTED))
    for operation in OPERATIONS:
        path = operation.path.replace("{id}", "x1").replace("{name}", "x1").replace("{path}", "x1")
        assert router.match(operation.method, path, MAXIMUM)[0].template == operation.path
