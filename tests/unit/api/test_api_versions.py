"""Versions compare as numbers, and what we do not speak is refused in Docker's words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.api.versions import MAXIMUM, MINIMUM, InvalidVersion, TooNew, TooOld, Version, negotiated, parse

NUMBERS = st.integers(0, 9999)


@given(NUMBERS, NUMBERS)
def test_a_version_is_read_as_it_is_written(major: int, minor: int) -> None:
    assert parse(str(Version(major, minor))) == Version(major, minor)


def test_versions_compare_as_numbers() -> None:
    assert parse("1.9") < parse("1.24") < parse("1.100") < parse("2.0")


@pytest.mark.parametrize(
    "text", ["", "1", "1.", ".4", "1.2.3", "v1.4", "1.4 ", "1.4\n", "-1.4", "1.12345", "\u0661.\u0662"]
)
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(InvalidVersion, match="invalid API version: "):
        parse(text)


@pytest.mark.parametrize("version", [MINIMUM, MAXIMUM])
def test_both_ends_of_the_range_are_spoken(version: Version) -> None:
    assert negotiated(str(version)) == version


def test_beyond_the_range_docker_says_which_end() -> None:
    with pytest.raises(TooNew) as new:
        negotiated("1.56")
    assert new.value.message == "client version 1.56 is too new. Maximum supported API version is 1.55"
    with pytest.raises(TooOld) as old:
        negotiated("1.23")
    assert old.value.message == (
        "client version 1.23 is too old. Minimum supported API version is 1.24, "
        "please upgrade your client to a newer version"
    )
