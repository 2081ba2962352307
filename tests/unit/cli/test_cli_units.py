from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.cli import columns, units

MINUTE, HOUR, DAY = 60, 3600, 86400


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "Less than a second"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "About a minute"),
        (2 * MINUTE, "2 minutes"),
        (59 * MINUTE, "59 minutes"),
        (HOUR, "About an hour"),
        (90 * MINUTE, "2 hours"),
        (47 * HOUR, "47 hours"),
        (2 * DAY, "2 days"),
        (13 * DAY, "13 days"),
        (14 * DAY, "2 weeks"),
        (60 * DAY, "2 months"),
        (729 * DAY, "24 months"),
        (730 * DAY, "2 years"),
    ],
)
def test_durations_are_said_as_docker_says_them(seconds: int, words: str) -> None:
    assert units.duration(seconds) == words


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0B"), (999, "999B"), (1000, "1kB"), (1234567, "1.23MB"), (999999, "1e+03kB"), (5 * 10**9, "5GB")],
)
def test_sizes_have_three_digits(size: int, text: str) -> None:
    assert units.decimal_size(size, 3) == text


def test_binary_sizes_have_four_digits() -> None:
    assert units.binary_size(8345669632) == "7.773GiB"


@pytest.mark.parametrize(
    ("word", "size"),
    [("512", 512), ("1k", 1024), ("1kb", 1024), ("1KiB", 1024), ("1.5g", 3 << 29), ("64 m", 64 << 20), ("7b", 7)],
)
def test_sizes_are_read_in_powers_of_1024(word: str, size: int) -> None:
    assert units.read_size(word) == size


@pytest.mark.parametrize("word", ["", "x", "-1", "1x", "1kx", "1.2.3", "1kbb"])
def test_what_is_no_size_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match=r"invalid|strconv"):
        units.read_size(word)


@pytest.mark.parametrize(
    ("word", "nanoseconds"),
    [("0", 0), ("5s", 5 * 10**9), ("1m30s", 90 * 10**9), ("1.5h", 5400 * 10**9), ("-5ms", -5 * 10**6), ("1us", 1000)],
)
def test_durations_are_read_as_go_reads_them(word: str, nanoseconds: int) -> None:
    assert units.read_duration(word) == nanoseconds


@pytest.mark.parametrize("word", ["", "5", "s", "5x", "1m30"])
def test_what_is_no_duration_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="^time: "):
        units.read_duration(word)


@given(st.text(), st.integers(min_value=2, max_value=30))
def test_a_shortened_text_is_never_longer_than_asked(text: str, width: int) -> None:
    assert len(units.shortened(text, width)) <= width


CELL = st.text(alphabet="abcü ", max_size=15)


@given(st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=5))
def test_a_table_is_what_the_general_alignment_makes_of_it(rows: list[tuple[str, str, str]]) -> None:
    text = "".join("\t".join(row) + "\n" for row in rows)
    assert columns.table(rows) == columns.aligned(text)


def test_a_column_ends_where_a_line_has_no_cell_in_it() -> None:
    assert columns.aligned("a\tb\nxxxxxxxxxxxx\nlong-long-long\tc", minimum=0, padding=1) == (
        "a b\nxxxxxxxxxxxx\nlong-long-long c"
    )
