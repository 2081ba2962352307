"""Who imports whom, and that every module stands alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.source_tree import ROOT, Source, imported, sources

PRODUCT = sources("src")
STANDARD_LIBRARY_ONLY = ("wherry.shim", "wherry.linux")

_IMPORT_EACH_ALONE = """
import asyncio, importlib, os, sys, traceback
import httptools, msgspec  # what is shared by all is loaded once
failed = False
for module in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        try:
            importlib.import_module(module)
        except BaseException:
            print(module, traceback.format_exc(limit=-3), flush=True)
            os._exit(1)
        os._exit(0)
    failed |= os.waitpid(child, 0)[1] != 0
sys.exit(failed)
"""


def test_the_contracts_about_imports_hold() -> None:
    command = (sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()")
    done = subprocess.run(
        [*command, "--no-cache"], cwd=ROOT, env={"PYTHONPATH": "src"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_module_can_be_imported_first() -> None:
    modules = [each.module for each in PRODUCT if not each.module.endswith("__main__")]
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT_EACH_ALONE, *modules],
        env={"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "source",
    [each for each in PRODUCT if each.module.startswith(STANDARD_LIBRARY_ONLY)],
    ids=lambda source: source.module,
)
def test_what_runs_beside_a_container_imports_the_standard_library_only(source: Source) -> None:
    ours = {"wherry.linux", "wherry.shim"} if source.module.startswith("wherry.shim") else {"wherry.linux"}
    foreign = [
        name
        for name in imported(source.tree)
        if name.partition(".")[0] not in sys.stdlib_module_names and ".".join(name.split(".")[:2]) not in ours
    ]
    assert not foreign


def test_no_test_replaces_parts_by_mocks() -> None:
    mocking = [each.path for each in sources("src", "tests", "tools") if "unittest.mock" in set(imported(each.tree))]
    assert not mocking
