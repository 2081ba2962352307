from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.snapshotter_contract import Place, SnapshotterContract
from tests.support.trees import tmpfs
from wherry.snapshots.catalogue import SCHEMA
from wherry.snapshots.native import Native
from wherry.snapshots.overlay import Overlay
from wherry.state.database import Database


class TestOverlay(SnapshotterContract):
    @pytest.fixture
    def place(self, tmp_path: Path) -> Iterator[Place]:
        with tmpfs(tmp_path / "disk") as disk:
            yield Place(disk / "snapshots", lambda root: Overlay(root, Database.open(disk / "state.db", [SCHEMA])))


class TestNative(SnapshotterContract):
    @pytest.fixture
    def place(self, tmp_path: Path) -> Iterator[Place]:
        with tmpfs(tmp_path / "disk") as disk:
            yield Place(disk / "snapshots", lambda root: Native(root, Database.open(disk / "state.db", [SCHEMA])))
