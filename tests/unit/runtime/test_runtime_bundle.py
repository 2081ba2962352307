"""Bundles are whole or absent."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from wherry import faults
from wherry.runtime import bundle


def test_bundle_is_private_and_holds_the_document(tmp_path: Path) -> None:
    made = bundle.create(tmp_path, "c1", {"a": 1})
    assert made == tmp_path / "c1"
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert [file.name for file in made.iterdir()] == ["config.json"]
    assert json.loads((made / "config.json").read_bytes()) == {"a": 1}


def test_bundle_of_a_running_container_is_not_overwritten(tmp_path: Path) -> None:
    made = bundle.create(tmp_path, "c1", {"a": 1})
    with pytest.raises(bundle.BundleExists):
        bundle.create(tmp_path, "c1", {"a": 2})
    assert json.loads((made / "config.json").read_bytes()) == {"a": 1}


def test_failure_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "_armed", {"bundle:after-mkdir": "error"})
    with pytest.raises(OSError, match="bundle:after-mkdir"):
        bundle.create(tmp_path, "c1", {})
    assert list(tmp_path.iterdir()) == []


def test_document_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        bundle.create(tmp_path, "c1", {"a": object()})
    assert list(tmp_path.iterdir()) == []


def test_removing_can_be_repeated(tmp_path: Path) -> None:
    made = bundle.create(tmp_path, "c1", {})
    (made / "shim.log").touch()
    bundle.remove(tmp_path, "c1")
    bundle.remove(tmp_path, "c1")
    assert list(tmp_path.iterdir()) == []


def test_added_process_is_written_beside(tmp_path: Path) -> None:
    made = bundle.create(tmp_path, "c1", {})
    file = bundle.add_process(made, "e1", {"args": ["ls"]})
    assert file == made / "exec-e1.json"
    assert json.loads(file.read_bytes()) == {"args": ["ls"]}
