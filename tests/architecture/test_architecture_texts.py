"""What is written about the code is true of the code."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.support.source_tree import ROOT, sources
from wherry.cli.main import GROUPS, TOP

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
_BLOCK = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
_TARGET = re.compile(r"^([a-z0-9]+):", re.MULTILINE)


def commands(document: Path) -> list[list[str]]:
    """The words of each command that a document shows in a block; comments, sudo and output are left out."""
    lines = [line for block in _BLOCK.findall(document.read_text()) for line in block.splitlines()]
    steps = [step for line in lines for step in line.partition(" #")[0].split("&&")]
    return [step.removeprefix("$ ").replace("sudo ", "").split() for step in map(str.strip, steps) if step]


def test_every_module_says_what_it_knows() -> None:
    silent = [each.path for each in sources("src", "tools") if not ast.get_docstring(each.tree)]
    assert not silent


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_show_only_commands_that_exist(document: Path) -> None:
    targets = set(_TARGET.findall((ROOT / "Makefile").read_text()))
    shown = commands(document)
    unknown_targets = {words[1] for words in shown if words[0] == "make" and len(words) > 1} - targets
    wherry = [words[1:] for words in shown if words[0] == "wherry" and len(words) > 1 and words[1][0] != "-"]
    unknown_commands = [
        words for words in wherry if not (TOP.get(words[0]) or (words[1:] and GROUPS.get(words[0], {}).get(words[1])))
    ]
    assert not unknown_targets
    assert not unknown_commands


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_link_only_to_what_exists(document: Path) -> None:
    broken = [link for link in _LINK.findall(document.read_text()) if not (document.parent / link).exists()]
    assert not broken


def test_the_names_of_test_files_are_unique_and_their_folders_are_no_packages() -> None:
    names = Counter(Path(each.path).name for each in sources("tests"))
    assert not [name for name, count in names.items() if count > 1 and name.startswith("test_")]
    assert "__init__.py" not in names
