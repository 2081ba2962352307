"""JSON text to values and back, without the price of `import json`.

Knows the C scanner and encoder that CPython's own json package is made of; importing that package costs 6 ms, more than
a whole `wherry ps` may take. Must not know what the values mean. See CPython's Lib/json/scanner.py for the protocol.
"""

from __future__ import annotations

import _json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _Settings:
    """What the C scanner asks its context for."""

    strict = False
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float
    memo: dict[str, str] = {}  # noqa: RUF012  (the scanner wants a plain attribute)


_scan = _json.make_scanner(_Settings)  # type: ignore[arg-type]
_WHITESPACE = " \t\r\n"


def decode(text: str | bytes) -> Any:
    """The one value in `text`. Raises ValueError for anything that is not JSON."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    text = text.strip(_WHITESPACE)
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        raise ValueError(f"invalid JSON: {text[:80]!r}") from None
    if end != len(text):
        raise ValueError(f"unexpected content after JSON: {text[end : end + 80]!r}")
    return value


def _refuse(value: object) -> object:
    raise TypeError(f"{type(value).__name__} has no JSON form")


_PLAIN = _json.make_encoder(None, _refuse, _json.encode_basestring, None, ":", ",", False, False, True)
_SORTED = _json.make_encoder(None, _refuse, _json.encode_basestring, None, ":", ",", True, False, True)


def encode(value: object, *, sort_keys: bool = False) -> str:
    """Compact JSON, non-ASCII characters as they are."""
    return "".join((_SORTED if sort_keys else _PLAIN)(value, 0))


def indent(text: str, prefix: str = "    ") -> str:
    """Lay JSON text out over lines as Go's json.Indent does; every token stays exactly as it was written."""
    pieces: list[str] = []
    depth, position, length = 0, 0, len(text)
    fresh = False  # just after an opening bracket: an empty object or array stays on one line
    while position < length:
        mark = text[position]
        if mark in _WHITESPACE:
            position += 1
            continue
        if mark in "}]":
            depth -= 1
            pieces.append(mark if fresh else "\n" + prefix * depth + mark)
            fresh = False
            position += 1
            continue
        if fresh:
            pieces.append("\n" + prefix * depth)
            fresh = False
        if mark == '"':
            end = _string_end(text, position)
            pieces.append(text[position:end])
            position = end
        elif mark in "{[":
            depth += 1
            fresh = True
            pieces.append(mark)
            position += 1
        else:
            pieces.append(",\n" + prefix * depth if mark == "," else ": " if mark == ":" else mark)
            position += 1
    return "".join(pieces)


def _string_end(text: str, start: int) -> int:
    """The position after the string that starts at `start`: the first quote that no odd run of backslashes precedes."""
    position = start
    while True:
        position = text.find('"', position + 1)
        if position < 0:
            return len(text)
        backslashes = position - 1
        while text[backslashes] == "\\":
            backslashes -= 1
        if (position - backslashes) % 2:
            return position + 1
