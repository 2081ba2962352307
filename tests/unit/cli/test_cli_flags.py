from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.cli import flags
from wherry.cli.failure import FlagError, HelpAsked

TABLE = (
    flags.switch("all", "a", ""),
    flags.switch("proxy", "", "", default=True),
    flags.text("name", "n", ""),
    flags.number("tail", "t", "", default=-1),
    flags.several("env", "e", ""),
)


@pytest.mark.parametrize(
    "words",
    [["-an", "x"], ["-anx"], ["-a", "-n=x"], ["--all", "--name", "x"], ["--name=x", "--all=true"], ["-n", "x", "-a"]],
)
def test_every_spelling_of_a_flag_gives_the_same_value(words: list[str]) -> None:
    options, arguments = flags.parse(TABLE, words)
    assert (options.on("all"), options.text("name"), arguments) == (True, "x", [])


def test_a_repeated_flag_keeps_its_order_and_its_commas() -> None:
    options, _ = flags.parse(TABLE, ["-e", "b,c", "-ea", "--env=b"])
    assert options.list("env") == ["b,c", "a", "b"]


def test_flags_stand_between_arguments_only_where_that_is_allowed() -> None:
    assert flags.parse(TABLE, ["x", "-a", "y"])[1] == ["x", "y"]
    assert flags.parse(TABLE, ["x", "-a", "y"], interspersed=False)[1] == ["x", "-a", "y"]


def test_two_dashes_end_the_flags_and_a_single_one_is_an_argument() -> None:
    assert flags.parse(TABLE, ["-", "--", "-a", "--"])[1] == ["-", "-a", "--"]


def test_defaults_are_not_given() -> None:
    options, _ = flags.parse(TABLE, ["--proxy=false"])
    assert options.given("proxy")
    assert not options.given("tail")
    assert (options.on("proxy"), options.number("tail")) == (False, -1)


def test_a_table_is_not_changed_by_its_use() -> None:
    flags.parse(TABLE, ["-e", "x"])
    assert flags.parse(TABLE, [])[0].list("env") == []


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["-ah"]])
def test_help_can_be_asked_for_anywhere(words: list[str]) -> None:
    with pytest.raises(HelpAsked):
        flags.parse(TABLE, words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--bogus"], "unknown flag: --bogus"),
        (["-aZ"], "unknown shorthand flag: 'Z' in -Z"),
        (["-n"], "flag needs an argument: 'n' in -n"),
        (["--name"], "flag needs an argument: --name"),
        (["--tail=x"], 'invalid argument "x" for "-t, --tail" flag: strconv.ParseInt: parsing "x": invalid syntax'),
        (
            ["--all=maybe"],
            'invalid argument "maybe" for "-a, --all" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
        ),
    ],
)
def test_mistakes_are_named_in_dockers_words(words: list[str], message: str) -> None:
    with pytest.raises(FlagError, match="^" + message.replace("(", r"\(")):
        flags.parse(TABLE, words)


@given(st.integers(min_value=-(1 << 63), max_value=(1 << 63) - 1))
def test_numbers_are_read_back(number: int) -> None:
    assert flags.integer(str(number)) == number


@pytest.mark.parametrize("word", ["", "1.5", " 1", "+-1", "9223372036854775808", "0x", "08"])
def test_what_go_does_not_read_as_a_number_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="strconv.ParseInt"):
        flags.integer(word)


@given(st.lists(st.text(max_size=5), max_size=6))
def test_no_command_line_breaks_the_parser(words: list[str]) -> None:
    try:
        flags.parse(TABLE, words)
    except (FlagError, HelpAsked):
        pass
