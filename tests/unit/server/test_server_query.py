"""Query parameters are read by Docker's rules."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wherry import errors
from wherry.http.message import Query
from wherry.server import query


@pytest.mark.parametrize("text", ["", "0", "no", "false", "none", "False", " NO "])
def test_five_words_are_false(text: str) -> None:
    assert query.flag(Query(b"a=" + quote(text).encode()), "a", default=True) is False


@pytest.mark.parametrize("text", ["1", "true", "yes", "True", "2", "x"])
def test_everything_else_is_true(text: str) -> None:
    assert query.flag(Query(b"a=" + text.encode()), "a") is True


def test_an_absent_flag_has_its_default() -> None:
    assert query.flag(Query(b""), "a") is False
    assert query.flag(Query(b""), "a", default=True) is True


@pytest.mark.parametrize(
    ("text", "ns"), [("1", 10**9), ("1.5", 1_500_000_000), ("1700000000.000000001", 1700000000 * 10**9 + 1), ("0", 0)]
)
def test_a_moment_is_seconds_with_nanoseconds(text: str, ns: int) -> None:
    assert query.moment(Query(f"since={text}".encode()), "since") == ns


@pytest.mark.parametrize("text", ["x", "1.", "1.0000000001", "2026-01-01T00:00:00Z"])
def test_a_moment_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(errors.InvalidArgument):
        query.moment(Query(f"since={text}".encode()), "since")


def test_both_encodings_of_filters_mean_the_same() -> None:
    new = query.filters(Query(b"filters=" + quote('{"label":{"a=b":true,"c":true}}').encode()))
    old = query.filters(Query(b"filters=" + quote('{"label":["a=b","c"]}').encode()))
    assert new == old == {"label": ["a=b", "c"]}


@pytest.mark.parametrize("text", ["{", "[]", '{"a":1}', '{"a":[1]}', '"x"', '{"a":"b"}', "[" * 100_000])
def test_filters_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(errors.InvalidArgument):
        query.filters(Query(b"filters=" + quote(text).encode()))


@settings(deadline=None)
@given(st.dictionaries(st.text(min_size=1), st.lists(st.text(), min_size=1)))
def test_filters_survive_encoding(filters: dict[str, list[str]]) -> None:
    assert query.filters(Query(b"filters=" + quote(json.dumps(filters)).encode())) == filters


@pytest.mark.parametrize("text", ["", "-1", "x", "65536"])
def test_a_dimension_must_be_a_small_number(text: str) -> None:
    with pytest.raises(errors.InvalidArgument):
        query.dimension(Query(f"h={text}".encode()), "h")


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("", ""),
        ("linux/arm64", "linux/arm64"),
        ('{"os":"linux","architecture":"arm","variant":"v7"}', "linux/arm/v7"),
        ('{"architecture":"amd64","os":"linux","os.version":"1"}', "linux/amd64"),
    ],
)
def test_a_platform_has_two_forms(text: str, platform: str) -> None:
    assert query.platform(Query(f"platform={quote(text)}".encode())) == platform


@pytest.mark.parametrize("text", ["{", "{}", '{"os":"linux"}', '{"os":1,"architecture":"x"}'])
def test_a_platform_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(errors.InvalidArgument, match="platform"):
        query.platform(Query(f"platform={quote(text)}".encode()))
