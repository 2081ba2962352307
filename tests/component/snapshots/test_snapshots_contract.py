"""The overlay and the native snapshotter keep the same promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from tests.support.snapshotter_contract import Place, SnapshotterContract
from tests.support.trees import tmpfs
from wherry.snapshots.catalogue import SCHEMA
from wherry.snapshots.native import Native
from wherry.snapshots.overlay import Overlay
from wherry.snapshots.snapshotter import Snapshotter
from wherry.state.database import Database


@contextmanager
def place_for(kind: Callable[[Path, Database], Snapshotter], directory: Path) -> Iterator[Place]:
    """A disk for one test; the databases of all snapshotters that it opens are closed before the disk goes."""
    with tmpfs(directory / "disk") as disk, ExitStack() as opened:

        def make(root: Path) -> Snapshotter:
            return kind(root, opened.enter_context(closing(Database.open(disk / "state.db", [SCHEMA]))))

        yield Place(disk / "snapshots", make)


class TestOverlay(SnapshotterContract):
    @pytest.fixture
    def place(self, tmp_path: Path) -> Iterator[Place]:
        with place_for(Overlay, tmp_path) as place:
            yield place


class TestNative(SnapshotterContract):
    @pytest.fixture
    def place(self, tmp_path: Path) -> Iterator[Place]:
        with place_for(Native, tmp_path) as place:
            yield place
