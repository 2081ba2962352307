"""Lists of objects: the table, the JSON lines and the templates that --format chooses between.

Knows fields (a header and a function of one object). Must not know which objects there are. The template engine is
loaded only for a format that needs it.
"""

from __future__ import annotations

import sys

from wherry.cli import columns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    Field = tuple[str, Callable[[Any], Any]]


def show(
    items: Iterable[Any],
    fields: Mapping[str, Field],
    format: str,
    default: Sequence[str],
    *,
    methods: Mapping[str, Callable[[Any, str], Any]] | None = None,
    kind: str = "",
    troubles: tuple[str, str] = ("template parsing error", "template parsing error"),
) -> None:
    """Print `items`. `format` is "", "table", "json", "table TEMPLATE" or a template; `default` names the table's
    columns.

    `methods` are fields with an argument (`{{.Label "x"}}`); `kind` is the name of the object in error messages, and
    `troubles` are their beginnings for a template that cannot be read and one that does not fit.
    """
    if format in ("", "table"):
        chosen = [fields[name] for name in default]
        rows = [[header for header, _ in chosen]]
        rows += [[str(read(item)) for _, read in chosen] for item in items]
        sys.stdout.write(columns.table(rows))
        return
    if format == "json":
        format = "{{json .}}"
    _templated(items, fields, format, methods or {}, kind, troubles)


def only(items: Iterable[Any], read: Callable[[Any], str]) -> None:
    """Print one field of every item (--quiet)."""
    sys.stdout.write("".join(read(item) + "\n" for item in items))


def _templated(
    items: Iterable[Any],
    fields: Mapping[str, Field],
    format: str,
    methods: Mapping[str, Callable[[Any, str], Any]],
    kind: str,
    troubles: tuple[str, str],
) -> None:
    from wherry.cli import template

    as_table = format.startswith("table")
    source = format[len("table") :].strip() if as_table else format.strip()
    source = source.replace("\\t", "\t").replace("\\n", "\n")
    parsed = template.parse(source, parsing=troubles[0], executing=troubles[1])
    lines = [parsed.render(template.Fields(fields, methods, item, kind)) for item in items]
    if not as_table:
        sys.stdout.write("".join(line + "\n" for line in lines))
        return
    headers = {name: header for name, (header, _) in fields.items()}
    head = parsed.render(template.Headers(headers), functions=template.HEADER_FUNCTIONS)
    sys.stdout.write(columns.aligned("".join(line + "\n" for line in [head, *lines])))


def labels(found: Mapping[str, str] | None) -> str:
    """Labels as lists show them."""
    return ",".join(sorted(f"{name}={value}" for name, value in (found or {}).items()))


def natural(name: str) -> list[tuple[int, int, str]]:
    """A key that sorts `net2` before `net10`."""
    parts: list[tuple[int, int, str]] = []
    digits, letters = "", ""
    for letter in name + "\0":
        if letter.isdigit():
            if letters:
                parts.append((1, 0, letters))
                letters = ""
            digits += letter
            continue
        if digits:
            parts.append((0, int(digits), digits))
            digits = ""
        letters += letter
    return [*parts, (1, 0, letters)]
