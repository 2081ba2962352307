from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.canned_engine import CannedEngine
from tests.support.two_clients import DOCKER, OLDEST, Clients


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[CannedEngine]:
    with CannedEngine(tmp_path) as canned:
        yield canned


@pytest.fixture
def clients(engine: CannedEngine, tmp_path: Path) -> Clients:
    home = tmp_path / "home"
    home.mkdir()
    return Clients(engine, home)


@pytest.fixture
def both(clients: Clients, request: pytest.FixtureRequest) -> Clients:
    """For tests that compare with the docker client."""
    if DOCKER is None:
        request.node.add_marker(pytest.mark.requires(f"the docker client, version {OLDEST} or newer"))
        pytest.skip(f"there is no docker client of version {OLDEST} or newer")
    return clients
