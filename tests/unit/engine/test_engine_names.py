"""Names, ids and how an abbreviation is resolved."""

from __future__ import annotations

import pytest

from wherry.engine import names

A, B = "ab" + "0" * 62, "ac" + "0" * 62
IDS = {A: None, B: None}
NAMES = {"web": A, "ac": A}


@pytest.mark.parametrize(("reference", "found"), [(A, A), ("web", A), ("/web", A), ("ab", A), ("ac0", B), ("ac", A)])
def test_id_then_name_then_unique_prefix(reference: str, found: str) -> None:
    assert names.resolve(reference, IDS, NAMES) == found


def test_an_ambiguous_prefix_is_refused() -> None:
    with pytest.raises(names.AmbiguousPrefix, match="multiple IDs found with provided prefix: a"):
        names.resolve("a", IDS, NAMES)


@pytest.mark.parametrize("reference", ["", "x", "/", "../web", A + "0"])
def test_what_is_not_there(reference: str) -> None:
    with pytest.raises(names.NoSuchContainer, match="No such container"):
        names.resolve(reference, IDS, NAMES)


@pytest.mark.parametrize("name", ["", "a", "-a", "a b", "a/b", "é1", "a\n", "a" * 3 + "\0"])
def test_names_docker_refuses(name: str) -> None:
    with pytest.raises(names.InvalidName):
        names.check(name)


def test_ids_can_be_hostnames() -> None:
    for _ in range(200):
        identifier = names.new_id()
        assert len(identifier) == 64
        assert not identifier[:12].isdecimal()


def test_generated_names_avoid_those_taken_and_are_valid() -> None:
    taken: set[str] = set()
    for _ in range(300):
        name = names.generate(taken)
        assert name not in taken
        assert names.check(name) == name
        taken.add(name)
