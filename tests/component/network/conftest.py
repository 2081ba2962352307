"""Each test has a host of its own: a network namespace in which `Networks` lives, and a neighbour on its LAN."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.component.network.scene import Scene
from tests.support import networking


@pytest.fixture(autouse=True)
def host() -> Iterator[None]:
    with networking.own_network():
        yield


@pytest.fixture
def neighbour(tmp_path: Path) -> Iterator[str]:
    with networking.neighbour(tmp_path) as path:
        yield path


@pytest.fixture
def make_scene(tmp_path: Path) -> Iterator[Callable[..., Scene]]:
    made: list[Scene] = []

    def make(**settings: Any) -> Scene:
        made.append(Scene(tmp_path, **settings))
        return made[-1]

    yield make
    for scene in made:
        scene.clean()


@pytest.fixture
def scene(make_scene: Callable[..., Scene]) -> Scene:
    return make_scene()
