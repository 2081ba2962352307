"""The rules of adding and dropping capabilities."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.linux.capabilities import NAMES
from wherry.runtime.spec import capabilities
from wherry.runtime.spec.capabilities import DEFAULT

names = st.lists(st.sampled_from(NAMES), max_size=6)


def effective(add: list[str], drop: list[str], *, privileged: bool = False) -> list[str]:
    return list(capabilities.effective(add, drop, privileged=privileged, available=NAMES))


def test_fourteen_are_given_by_default() -> None:
    assert effective([], []) == list(DEFAULT)
    assert len(set(DEFAULT)) == 14


@given(names, names)
def test_added_are_there_and_dropped_are_not_unless_added(add: list[str], drop: list[str]) -> None:
    assert set(effective(add, drop)) == (set(DEFAULT) - set(drop)) | set(add)


@given(names)
def test_dropping_all_leaves_what_is_added(add: list[str]) -> None:
    assert effective(add, ["ALL"]) == list(dict.fromkeys(add))


@given(names)
def test_adding_all_leaves_out_what_is_dropped(drop: list[str]) -> None:
    assert set(effective(["all"], drop)) == set(NAMES) - set(drop)


def test_adding_all_wins_over_dropping_all() -> None:
    assert effective(["ALL"], ["ALL"]) == list(NAMES)


@given(names, names)
def test_privileged_gets_all_whatever_is_dropped(add: list[str], drop: list[str]) -> None:
    assert effective(add, drop, privileged=True) == list(NAMES)


@given(names, names)
def test_each_is_listed_once(add: list[str], drop: list[str]) -> None:
    result = effective(add + add, drop)
    assert len(result) == len(set(result))


@given(st.sampled_from(NAMES))
def test_prefix_and_case_do_not_matter(name: str) -> None:
    forms = [name, name.lower(), name.removeprefix("CAP_"), name.removeprefix("CAP_").title()]
    assert capabilities.normalise("CapAdd", forms, NAMES) == (name,)


@pytest.mark.parametrize(("name", "shown"), [("bogus", "CAP_BOGUS"), ("CAP_ALL", "CAP_ALL"), ("", "CAP_")])
def test_unknown_name_is_refused_in_dockers_words(name: str, shown: str) -> None:
    with pytest.raises(capabilities.UnknownCapability) as caught:
        effective([name], [])
    assert caught.value.message == f'invalid CapAdd: unknown capability: "{shown}"'
    with pytest.raises(capabilities.UnknownCapability, match="invalid CapDrop"):
        effective([], [name])


def test_what_the_engine_lacks_is_refused_by_name_and_left_out_of_the_defaults() -> None:
    available = [name for name in NAMES if name not in ("CAP_SYS_RESOURCE", "CAP_MKNOD")]
    with pytest.raises(capabilities.UnavailableCapability, match="not available in the current environment"):
        capabilities.effective(["SYS_RESOURCE"], [], privileged=False, available=available)
    assert "CAP_MKNOD" not in capabilities.effective([], [], privileged=False, available=available)
