from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.canned_engine import CannedEngine
from tests.support.two_clients import DOCKER, Clients


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
def both(clients: Clients) -> Clients:
    """For tests that compare with the docker client."""
    if DOCKER is None:
        pytest.skip("the docker client is not installed")
    return clients
