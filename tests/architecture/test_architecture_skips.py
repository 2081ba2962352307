"""A skip cannot hide: it is counted everywhere, and fails a run of CI unless the test says what it requires."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.source_tree import ROOT

HIDDEN = "import pytest\n\ndef test_one():\n    pytest.skip('later')\n"
DECLARED = "import pytest\n\n@pytest.mark.requires('a fast disk')\ndef test_one():\n    pytest.skip('slow disk')\n"
AT_ONCE = "import pytest\n\npytest.skip('all of it', allow_module_level=True)\n"


def run(folder: Path, text: str, **environment: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_sample.py").write_text(f"{text}\ndef test_two():\n    pass\n")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = requires(what)\n")
    command = (sys.executable, "-m", "pytest", "-p", "tests.support.skips", "-p", "no:cacheprovider", str(folder))
    return subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": str(ROOT), **environment}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("text", [HIDDEN, AT_ONCE])
def test_an_undeclared_skip_fails_in_ci_only(tmp_path: Path, text: str) -> None:
    here, there = run(tmp_path, text), run(tmp_path, text, CI="true")
    assert "tests skipped: 1, without saying what they require: 1\n  test_sample.py" in here.stdout
    assert (here.returncode == 0) == (text is HIDDEN)
    assert there.returncode != 0


def test_a_declared_skip_is_counted_and_passes(tmp_path: Path) -> None:
    done = run(tmp_path, DECLARED, CI="true")
    assert done.returncode == 0, done.stdout
    assert "tests skipped: 1, without saying what they require: 0\n" in done.stdout


def test_a_run_without_skips_passes(tmp_path: Path) -> None:
    done = run(tmp_path, "", CI="true")
    assert done.returncode == 0, done.stdout
    assert "tests skipped: 0, " in done.stdout
