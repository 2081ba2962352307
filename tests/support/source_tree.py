"""The project's own Python files, for tests that read code instead of running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
GENERATED = frozenset({"src/wherry/api/types.py", "src/wherry/api/operations.py"})


class Source(NamedTuple):
    """One file; `path` is relative to the root of the repository."""

    path: str
    text: str
    tree: ast.Module

    @property
    def module(self) -> str:
        """The name under which a file below src is imported."""
        parts = Path(self.path).relative_to("src").with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    """All files below these folders, sorted by path."""
    return tuple(
        Source(str(path.relative_to(ROOT)), text := path.read_text(), ast.parse(text, str(path)))
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
    )


def imported(tree: ast.Module) -> Iterator[str]:
    """Full names of the modules that a file imports, wherever in it; of `from a import b` only `a`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
