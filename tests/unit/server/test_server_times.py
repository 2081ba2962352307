"""Spans and moments read as Docker writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.server.render.times import NEVER, spoken, stamp

MINUTE, HOUR, DAY = 60, 3600, 86400


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "Less than a second"),
        (1, "1 second"),
        (1.9, "1 second"),
        (45, "45 seconds"),
        (MINUTE, "About a minute"),
        (119, "About a minute"),
        (3 * MINUTE, "3 minutes"),
        (59 * MINUTE + 59, "59 minutes"),
        (HOUR, "About an hour"),
        (89 * MINUTE, "About an hour"),
        (90 * MINUTE, "2 hours"),
        (47 * HOUR, "47 hours"),
        (2 * DAY, "2 days"),
        (13 * DAY, "13 days"),
        (14 * DAY, "2 weeks"),
        (59 * DAY, "8 weeks"),
        (60 * DAY, "2 months"),
        (729 * DAY, "24 months"),
        (730 * DAY, "2 years"),
    ],
)
def test_spans_are_spoken_as_docker_does(seconds: float, words: str) -> None:
    assert spoken(int(seconds * 1e9)) == words


@given(st.integers(max_value=10**20))
def test_any_span_can_be_spoken(span: int) -> None:
    assert spoken(span)


def test_zero_is_go_s_zero_time() -> None:
    assert stamp(0) == NEVER == "0001-01-01T00:00:00Z"
    assert stamp(1700000000_123456789) == "2023-11-14T22:13:20.123456789Z"
    assert stamp(1700000000_500000000) == "2023-11-14T22:13:20.5Z"
