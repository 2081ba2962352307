"""The functions and values of Go templates: truth, comparison, printing, Docker's additions.

Knows Go's formatting verbs and the form in which Go prints maps and lists. Must not know the language around them.
"""

from __future__ import annotations

from wherry.cli import units
from wherry.client import jsontext, transport

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any


class TemplateError(Exception):
    pass


class _NoValue:
    """What a missing key is worth."""

    def __repr__(self) -> str:
        return "<no value>"


NO_VALUE = _NoValue()


class NilList(list):  # type: ignore[type-arg]
    """A list that Go has as nil: `null` in JSON, `[]` when printed."""


class Map(dict):  # type: ignore[type-arg]
    """A map with the user's own keys: a key that is missing is no mistake."""


class NilMap(Map):
    """A map that Go has as nil: `null` in JSON, `map[]` when printed."""


class Struct(dict):  # type: ignore[type-arg]
    """An object with known fields; `absent` are those that may be left out, and what they are then."""

    def __init__(self, fields: dict[str, Any], absent: Mapping[str, Any]) -> None:
        super().__init__(fields)
        self.absent = absent


def look_up(value: Any, name: str, arguments: Sequence[Any] = ()) -> Any:
    """The field `name`; case is ignored if no key matches exactly. Raises TemplateError where Go does."""
    method = getattr(value, "look_up", None)
    if method is not None:
        return method(name, arguments)
    if isinstance(value, dict):
        if arguments:
            raise TemplateError(f"{name} is not a method but has arguments")
        if name in value:
            return value[name]
        folded = name.lower()
        for key, found in value.items():
            if key.lower() == folded:
                return found
        if isinstance(value, Map):
            return NO_VALUE
        if isinstance(value, Struct) and name in value.absent:
            return value.absent[name]
        raise TemplateError(f'map has no entry for key "{name}"')
    if value is None:
        raise TemplateError(f"nil pointer evaluating interface {{}}.{name}")
    raise TemplateError(f"can't evaluate field {name} in type {_type_name(value)}")


def _type_name(value: Any) -> str:
    names = {
        str: "string",
        bool: "bool",
        int: "int",
        float: "float64",
        list: "[]interface {}",
        NilList: "[]interface {}",
    }
    return names.get(type(value), "interface {}")


def truth(value: Any) -> bool:
    return value is not NO_VALUE and bool(value)


def shown(value: Any) -> str:
    """A value as Go's %v prints it."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, dict):
        return "map[" + " ".join(f"{shown(key)}:{shown(item)}" for key, item in sorted(value.items())) + "]"
    if isinstance(value, list | tuple):
        return "[" + " ".join(map(shown, value)) + "]"
    if hasattr(value, "plain"):
        return "{" + " ".join(map(shown, value.plain().values())) + "}"
    return str(value)


def _float(value: float) -> str:
    if value == int(value) and abs(value) < 1e21:
        return str(int(value))
    return repr(value)


def _json(value: Any) -> str:
    """Fields of a list come sorted and with <, > and & escaped, documents as they are: both as Docker has it."""
    plain = getattr(value, "plain", None)
    if plain is not None:
        text = jsontext.encode(plain(), sort_keys=True)
        return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    if isinstance(value, NilList | NilMap) or value is NO_VALUE:
        return "null"
    if isinstance(value, dict):
        return "{" + ",".join(f"{jsontext.encode(key)}:{_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_json, value)) + "]"
    return jsontext.encode(value)


def _join(items: Any, separator: str) -> str:
    if not isinstance(items, list | tuple):
        raise TemplateError(f"wrong type for value; expected []string; got {_type_name(items)}")
    return separator.join(map(shown, items))


def _title(text: Any) -> str:
    letters = shown(text)
    return "".join(
        letter.upper() if not index or letters[index - 1].isspace() else letter for index, letter in enumerate(letters)
    )


def _pad(text: str, before: int, after: int) -> str:
    return " " * before + text + " " * after if text else text


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        if isinstance(value, dict):
            value = value.get(key, "" if value and all(isinstance(item, str) for item in value.values()) else NO_VALUE)
        elif isinstance(value, list | str | tuple):
            if not isinstance(key, int):
                raise TemplateError(f"cannot index slice/array with type {_type_name(key)}")
            if not 0 <= key < len(value):
                raise TemplateError(f"index out of range: {key}")
            value = ord(value[key]) if isinstance(value, str) else value[key]
        else:
            raise TemplateError(
                "index of untyped nil" if value in (None, NO_VALUE) else f"can't index item of type {_type_name(value)}"
            )
    return value


def _slice(value: Any, start: int = 0, end: int | None = None) -> Any:
    if (end is not None and end > len(value)) or start > len(value):
        raise TemplateError(f"index out of range: {end if end is not None else start}")
    return value[start:end]


def _length(value: Any) -> int:
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, dict | list | tuple):
        return len(value)
    raise TemplateError("len of nil pointer" if value in (None, NO_VALUE) else f"len of type {_type_name(value)}")


def _equal(first: Any, *others: Any) -> bool:
    if not others:
        raise TemplateError("missing argument for comparison")
    if any((isinstance(first, str) != isinstance(other, str)) for other in others if other is not None):
        raise TemplateError("incompatible types for comparison")
    return any(first == other for other in others)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def check(left: Any, right: Any) -> bool:
        if isinstance(left, str) != isinstance(right, str) or left is None or isinstance(left, bool):
            raise TemplateError("incompatible types for comparison")
        return compare(left, right)

    return check


def _print(*values: Any) -> str:
    """Go's Sprint: a space between neighbours of which neither is a string."""
    result = ""
    for index, value in enumerate(values):
        if index and not isinstance(value, str) and not isinstance(values[index - 1], str):
            result += " "
        result += shown(value)
    return result


def _printf(format: str, *values: Any) -> str:
    import re

    left = list(values)

    def replace(match: re.Match[str]) -> str:
        flags, width, precision, verb = match.groups()
        if verb == "%":
            return "%"
        if not left:
            return f"%!{verb}(MISSING)"
        text = _verb(verb, left.pop(0), flags, precision)
        size = int(width or 0)
        if "-" in flags:
            return text.ljust(size)
        return text.zfill(size) if "0" in flags and verb in "dxXof" else text.rjust(size)

    text = re.sub(r"%([+\-# 0]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])", replace, format)
    if left:
        text += "%!(EXTRA " + ", ".join(f"{_type_name(value)}={shown(value)}" for value in left) + ")"
    return text


def _verb(verb: str, value: Any, flags: str, precision: str | None) -> str:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if verb == "q":
        return units.quoted(value) if isinstance(value, str) else shown(value)
    if verb in "sv":
        text = shown(value)
        return text[: int(precision)] if precision and isinstance(value, str) else text
    if verb == "t" and isinstance(value, bool):
        return shown(value)
    if verb in "xX" and isinstance(value, str):
        digits = value.encode().hex()
        return digits.upper() if verb == "X" else digits
    if number and verb in "dxXob":
        sign = "+" if "+" in flags else ""
        return format(int(value), sign + verb)
    if number and verb in "feEgG":
        return format(float(value), f".{precision}{verb}" if precision else (verb if verb != "g" else ""))
    if number and verb == "c":
        return chr(int(value))
    if verb == "T":
        return _type_name(value)
    return f"%!{verb}({_type_name(value)}={shown(value)})"


def _html(*values: Any) -> str:
    text = _print(*values).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("'", "&#39;").replace('"', "&#34;")


_UNRESERVED = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "and": lambda *values: next((value for value in values if not truth(value)), values[-1]),
    "or": lambda *values: next((value for value in values if truth(value)), values[-1]),
    "not": lambda value: not truth(value),
    "len": _length,
    "index": _index,
    "slice": _slice,
    "print": _print,
    "printf": _printf,
    "println": lambda *values: " ".join(map(shown, values)) + "\n",
    "eq": _equal,
    "ne": lambda left, right: not _equal(left, right),
    "lt": _ordered(lambda left, right: left < right),
    "le": _ordered(lambda left, right: left <= right),
    "gt": _ordered(lambda left, right: left > right),
    "ge": _ordered(lambda left, right: left >= right),
    "html": _html,
    "urlquery": lambda *values: transport.quote(_print(*values), keep=_UNRESERVED),
    "json": _json,
    "join": _join,
    "split": lambda text, separator: str(text).split(separator) if separator else list(text),
    "title": _title,
    "lower": lambda text: shown(text).lower(),
    "upper": lambda text: shown(text).upper(),
    "pad": _pad,
    "truncate": lambda text, length: shown(text)[:length],
}
# In a table's first line the functions pass the header through.
HEADER_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "json": lambda value: value,
    "split": lambda value, _separator: value,
    "join": lambda value, _separator: value,
    "title": lambda value: value,
    "lower": lambda value: value,
    "upper": lambda value: value,
    "truncate": lambda value, _length: value,
    "println": lambda *values: " ".join(map(shown, values)),
}
