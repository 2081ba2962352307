"""Every command of the tables: it loads, has help that names its flags, and those we lack say so."""

from __future__ import annotations

import contextlib
import io

import pytest

from wherry.cli import flags, main
from wherry.cli.command import Invocation
from wherry.cli.configuration import Configuration
from wherry.cli.failure import Failure
from wherry.client.transport import Engine

PRESENT = [(name, module) for name, module in main.TOP.items() if module]
PRESENT += [
    (f"{group} {name}", module) for group, table in main.GROUPS.items() for name, module in table.items() if module
]
ABSENT = [name for name, module in main.TOP.items() if not module]
ABSENT += [f"{group} {name}" for group, table in main.GROUPS.items() for name, module in table.items() if not module]


def said(*words: str) -> str:
    stream = io.StringIO()
    with contextlib.redirect_stdout(stream):
        assert main.perform(list(words)) == 0
    return stream.getvalue()


@pytest.mark.parametrize(("path", "module"), PRESENT)
def test_help_shows_usage_and_every_flag(path: str, module: str) -> None:
    page = said(*path.split(" "), "--help")
    assert page.startswith(f"Usage:  wherry {path}")
    for flag in main.load(module).flags:
        assert flag.hidden or f"--{flag.name}" in page
    assert all(len(line) <= 80 for line in page.split("\n") if line.startswith("      "))


@pytest.mark.parametrize(("path", "module"), PRESENT)
def test_no_letter_and_no_name_is_used_twice(path: str, module: str) -> None:
    table = main.load(module).flags
    letters = [flag.letter for flag in table if flag.letter]
    assert len(letters) == len(set(letters)), path
    assert len(table) == len({flag.name for flag in table})


@pytest.mark.parametrize("path", ABSENT)
def test_a_missing_command_says_so_and_what_to_do(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.perform(path.split(" ")) == 1
    first, hint, _ = capsys.readouterr().err.split("\n")
    assert first == f"wherry: '{path}' is not implemented yet"
    assert hint


@pytest.mark.parametrize("group", main.GROUPS)
def test_a_group_lists_its_commands(group: str) -> None:
    assert f"Usage:  wherry {group} COMMAND" in said(group)
    assert said(group) == said(group, "--help") == said("help", group)


def test_without_words_the_front_page_names_every_command() -> None:
    page = said()
    assert page == said("--help") == said("help")
    for name in [*main.TOP, *main.GROUPS]:
        assert f"\n  {name} " in page


def test_an_unknown_command_suggests_a_near_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.perform(["imags"]) == 1
    assert "Did you mean 'wherry images'?" in capsys.readouterr().err


def test_inspect_refuses_an_unknown_type_before_it_asks() -> None:
    with pytest.raises(Failure):
        main.load("inspect").run(_call("inspect", "--type", "foo", "x"))


def _call(path: str, *words: str) -> Invocation:
    def refuse() -> Engine:
        raise AssertionError("the engine was asked")

    options, arguments = flags.parse(main.load(path).flags, words)
    return Invocation(path, options, arguments, Configuration("/nonexistent"), refuse)
