"""A file or a function that grows beyond a screenful of ideas is a sign that an idea is missing."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.support.source_tree import GENERATED, Source, sources

FILE_LINES = 500
FUNCTION_LINES = 60

LONGER_FILES: dict[str, str] = {
    "tests/unit/http/test_http_hijack.py": "to be divided: the relay has tests of its own",
    "tests/unit/http/test_http_server.py": "to be divided: limits and disconnects have tests of their own",
    "tests/unit/runtime/test_runtime_spec.py": "to be divided: resources and devices have tests of their own",
}
"""Path: why dividing it would make it worse."""

LONGER_FUNCTIONS: dict[str, str] = {
    "src/wherry/server/render/info.py:info": "one literal: the members of GET /info, in Docker's order",
    "tests/unit/server/test_server_containers_rendered.py:test_a_created_container_in_full": "one literal, as inspect",
}
"""path:function: why dividing it would make it worse."""

WRITTEN = tuple(each for each in sources("src", "tests", "tools") if each.path not in GENERATED)


def long_functions(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES:
                yield f"{source.path}:{node.name}"


def test_no_file_is_longer_than_one_idea() -> None:
    found = {each.path for each in WRITTEN if each.text.count("\n") > FILE_LINES}
    assert found == set(LONGER_FILES), "too long, or an exception that is none any more"


def test_no_function_is_longer_than_a_screen() -> None:
    found = {name for each in WRITTEN for name in long_functions(each)}
    assert found == set(LONGER_FUNCTIONS), "too long, or an exception that is none any more"
