"""Disk usage comes in the form that each version of a client reads."""

from __future__ import annotations

import pytest

from tests.support.container_records import record, running
from wherry.api.versions import MAXIMUM, Version
from wherry.server.render.container import Sizes
from wherry.server.render.disk_usage import Form, containers, volumes

STOPPED = record(id="d" * 64, name="db")
WEB = running()
SIZES = {WEB.id: Sizes(10, 100), STOPPED.id: Sizes(3, 90)}


@pytest.mark.parametrize(
    ("version", "verbose", "members", "items"),
    [
        (Version(1, 51), False, {"Containers"}, False),
        (Version(1, 52), False, {"Containers", "ContainerUsage"}, False),
        (MAXIMUM, False, {"Containers", "ContainerUsage"}, False),
        (MAXIMUM, True, {"ContainerUsage"}, True),
    ],
)
def test_versions_get_lists_parts_or_both(version: Version, *, verbose: bool, members: set[str], items: bool) -> None:
    found = containers(Form(version, verbose), SIZES, [WEB, STOPPED], 0)
    assert set(found) == members
    assert ("Items" in found.get("ContainerUsage", {})) == items


def test_what_a_prune_would_free_is_what_does_not_run() -> None:
    usage = containers(Form(MAXIMUM, verbose=False), SIZES, [WEB, STOPPED], 0)["ContainerUsage"]
    assert usage == {"ActiveCount": 1, "TotalCount": 2, "TotalSize": 13, "Reclaimable": 3}


def test_nothing_is_an_empty_list_and_zeros() -> None:
    found = volumes(Form(Version(1, 52), verbose=False), [])
    zeros = {"ActiveCount": 0, "TotalCount": 0, "TotalSize": 0, "Reclaimable": 0}
    assert found == {"VolumeUsage": zeros, "Volumes": []}
