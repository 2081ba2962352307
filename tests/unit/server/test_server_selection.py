"""Filters choose as dockerd's do."""

from __future__ import annotations

import pytest

from tests.support.container_records import ID, running
from tests.support.container_records import record as make
from wherry import errors
from wherry.engine.events import Event
from wherry.engine.machine import Phase, State
from wherry.engine.records import Mount, Record
from wherry.server import selection

WEB = running()
DB = make(
    id="d" * 64,
    name="db",
    created=WEB.created - 10,
    state=State(phase=Phase.EXITED, exit_code=3, started_at=1, finished_at=2),
    config={"labels": {"tier": "back", "x": ""}},
    host={"network_mode": "none"},
    mounts=(Mount(type="volume", name="data", source="/v/data/_data", target="/data"),),
    image_id="sha256:" + "c" * 64,
)
ALL = [WEB, DB]


def names(filters: dict[str, list[str]], *, everything: bool = True, limit: int = 0) -> list[str]:
    by_name = {"web": WEB, "db": DB}

    def image_id(reference: str) -> str:
        return {"busybox": WEB.image_id, "other": DB.image_id}.get(reference, "")

    def find(reference: str) -> Record:
        return by_name[reference]

    found = selection.containers(ALL, filters, everything=everything, limit=limit, find=find, image_id=image_id)
    return [record.name for record in found]


def test_by_default_only_what_runs_is_shown() -> None:
    assert names({}, everything=False) == ["web"]
    assert names({}) == ["web", "db"]


def test_a_status_or_a_limit_asks_for_ended_ones_too() -> None:
    assert names({"status": ["exited"]}, everything=False) == ["db"]
    assert names({}, everything=False, limit=5) == ["web", "db"]
    assert names({}, everything=False, limit=1) == ["web"]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"label": ["tier"]}, ["web", "db"]),
        ({"label": ["tier=back"]}, ["db"]),
        ({"label": ["tier=back", "x"]}, ["db"]),
        ({"label": ["tier=back", "y"]}, []),
        ({"name": ["we"]}, ["web"]),
        ({"name": ["^/web$"]}, ["web"]),
        ({"name": ["^web$", "db"]}, ["web", "db"]),
        ({"name": ["["]}, []),
        ({"id": [ID[:6]]}, ["web"]),
        ({"exited": ["3"]}, ["db"]),
        ({"exited": ["0"]}, []),
        ({"before": ["web"]}, ["db"]),
        ({"since": ["db"]}, ["web"]),
        ({"ancestor": ["busybox"]}, ["web"]),
        ({"ancestor": ["unknown"]}, []),
        ({"network": ["bridge"]}, ["web"]),
        ({"network": ["none"]}, ["db"]),
        ({"volume": ["data"]}, ["db"]),
        ({"volume": ["/data"]}, ["db"]),
        ({"publish": ["8080"]}, ["web"]),
        ({"publish": ["8000-9000/tcp"]}, ["web"]),
        ({"publish": ["8080/udp"]}, []),
        ({"expose": ["80/tcp"]}, ["web"]),
        ({"is-task": ["true"]}, []),
        ({"is-task": ["false"]}, ["web", "db"]),
        ({"health": ["none"]}, ["web", "db"]),
        ({"status": ["running"], "label": ["tier=back"]}, []),
    ],
)
def test_containers_are_chosen_by(filters: dict[str, list[str]], found: list[str]) -> None:
    assert names(filters) == found


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"nonsense": ["x"]}, "invalid filter 'nonsense'"),
        ({"status": ["sleeping"]}, "invalid filter 'status=sleeping'"),
        ({"exited": ["x"]}, "invalid filter 'exited=x'"),
    ],
)
def test_a_filter_that_cannot_be_is_refused_in_dockers_words(filters: dict[str, list[str]], message: str) -> None:
    with pytest.raises(errors.InvalidArgument) as raised:
        names(filters)
    assert raised.value.message == message


DIE = Event("container", "die", ID, {"name": "web", "image": "busybox:1", "tier": "front", "exitCode": "0"}, 1)
EXEC = Event("container", "exec_start: /bin/sh -c x", ID, {"name": "web", "image": "busybox:1"}, 2)
PULL = Event("image", "pull", "busybox:1", {"name": "busybox:1"}, 3)


@pytest.mark.parametrize(
    ("filters", "matching"),
    [
        ({}, [DIE, EXEC, PULL]),
        ({"type": ["container"]}, [DIE, EXEC]),
        ({"event": ["die", "pull"]}, [DIE, PULL]),
        ({"event": ["exec_start"]}, [EXEC]),
        ({"container": ["web"]}, [DIE, EXEC]),
        ({"container": [ID[:12]]}, [DIE, EXEC]),
        ({"container": ["db"]}, []),
        ({"image": ["busybox"]}, [DIE, EXEC, PULL]),
        ({"image": ["busybox:2"]}, []),
        ({"label": ["tier=front"]}, [DIE]),
        ({"network": ["x"]}, []),
    ],
)
def test_events_are_chosen_by(filters: dict[str, list[str]], matching: list[Event]) -> None:
    match = selection.events(filters)
    assert [event for event in (DIE, EXEC, PULL) if match(event)] == matching
