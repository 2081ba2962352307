"""Query parameters as values, by Docker's rules for each kind of them."""

from __future__ import annotations

import json
import re
from typing import Any

from wherry import errors
from wherry.http.message import Query

_FALSE = frozenset({"", "0", "no", "false", "none"})
_MOMENT = re.compile(r"(-?\d{1,11})(?:\.(\d{1,9}))?\Z", re.ASCII)
_SECOND = 10**9
_INTEGER = re.compile(r"[+-]?\d{1,18}\Z", re.ASCII)


class InvalidParameter(errors.InvalidArgument):
    def __init__(self, name: str, value: str, expected: str) -> None:
        super().__init__(f"invalid value {value[:100]!r} for {name}: {expected}")


class InvalidFilters(errors.InvalidArgument):
    def __init__(self, reason: str) -> None:
        super().__init__(f"invalid filter: {reason}", hint='write {"name":["value"]}')


def flag(query: Query, name: str, *, default: bool = False) -> bool:
    """False if it is empty, 0, no, false or none; `default` if it is absent."""
    return query.get(name).strip().lower() not in _FALSE if name in query else default


def integer(query: Query, name: str) -> int | None:
    """None if it is absent or empty."""
    text = query.get(name)
    if not text:
        return None
    if not _INTEGER.match(text):
        raise InvalidParameter(name, text, "it must be a whole number")
    return int(text)


def dimension(query: Query, name: str) -> int:
    """A number of rows or columns, which must be given."""
    value = integer(query, name)
    if value is None or not 0 <= value < 1 << 16:
        raise InvalidParameter(name, query.get(name), "it must be between 0 and 65535")
    return value


def moment(query: Query, name: str) -> int | None:
    """Seconds since 1970, with up to nine decimals, as nanoseconds; None if it is absent or empty."""
    text = query.get(name)
    if not text:
        return None
    match = _MOMENT.match(text)
    if not match:
        raise InvalidParameter(name, text, "it must be seconds since 1970, with up to nine decimals")
    fraction = int((match[2] or "").ljust(9, "0"))
    return int(match[1]) * _SECOND + (-fraction if text.startswith("-") else fraction)


def filters(query: Query, name: str = "filters") -> dict[str, list[str]]:
    """`{"label":{"a=b":true}}` or, as older clients write it, `{"label":["a=b"]}`."""
    text = query.get(name)
    if not text:
        return {}
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidFilters(str(error)) from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise InvalidFilters("it is not an object")
    return {word: values for word, given in found.items() if (values := _values(word, given))}


def _values(word: str, given: Any) -> list[str]:
    values = list(given) if isinstance(given, dict) else given
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise InvalidFilters(f"the values of {word!r} are not a list of strings")
    return values


def platform(query: Query) -> str:
    """`os/architecture/variant`, written so or as the JSON object of a descriptor's platform; "" if it is absent."""
    text = query.get("platform")
    if not text.startswith("{"):
        return text
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        given = {}
    words = [given.get(name, "") for name in ("os", "architecture", "variant")]
    if not all(isinstance(word, str) for word in words) or not all(words[:2]):
        raise InvalidParameter("platform", text, 'it must be like {"os":"linux","architecture":"amd64"}')
    return "/".join(filter(None, words))
