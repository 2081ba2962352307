"""What holds for all tests: those on the real kernel need root, and leave the machine as it was."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.support import leaks

pytest_plugins = ["tests.support.skips"]

_TESTS = Path(__file__).parent
_ON_THE_KERNEL = (_TESTS / "component", _TESTS / "e2e")


def _below(item: pytest.Item, *folders: Path) -> bool:
    return any(item.path.is_relative_to(folder) for folder in folders)


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    if os.geteuid() != 0 and any(_below(item, *_ON_THE_KERNEL) for item in items):
        raise pytest.UsageError("tests/component and tests/e2e need root: run them with sudo")


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left_of_the_session(request: pytest.FixtureRequest) -> Iterator[None]:
    """For end-to-end tests, whose daemon lives from the first test to the last."""
    if not any(_below(item, _TESTS / "e2e") for item in request.session.items):
        yield
        return
    before = leaks.look()
    yield
    assert not (left := leaks.left_over(before)), "left on the machine:\n" + "\n".join(left)


@pytest.fixture(autouse=True)
def nothing_is_left_of_the_test(request: pytest.FixtureRequest) -> Iterator[None]:
    if not _below(request.node, *_ON_THE_KERNEL):
        yield
        return
    before = leaks.look()
    yield
    assert not (left := leaks.left_over(before)), "left on the machine:\n" + "\n".join(left)
