"""Request targets: the decoded path and the query.

Knows RFC 3986 percent-encoding and HTML form encoding of queries. Must not know what the paths mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from wherry.http.refusals import Malformed


class Query:
    """The fields of a query string in their order; names may repeat. A field without `=` has the value ""."""

    __slots__ = ("_fields",)

    def __init__(self, text: bytes = b"") -> None:
        self._fields: list[tuple[str, str]] = []
        for field in text.split(b"&") if text else ():
            if field:
                name, _, value = field.replace(b"+", b" ").partition(b"=")
                self._fields.append((unquote(name), unquote(value)))

    def get(self, name: str, default: str = "") -> str:
        """The first value of `name`."""
        for field, value in self._fields:
            if field == name:
                return value
        return default

    def all(self, name: str) -> list[str]:
        return [value for field, value in self._fields if field == name]

    def __contains__(self, name: object) -> bool:
        return any(field == name for field, _ in self._fields)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._fields)


def unquote(text: bytes) -> str:
    """Percent-decoded text; an invalid escape stays as it is, invalid UTF-8 becomes U+FFFD."""
    if b"%" in text:
        first, *rest = text.split(b"%")
        text = first + b"".join(map(_decode_escape, rest))
    return text.decode("utf-8", "replace")


def _decode_escape(part: bytes) -> bytes:
    digits = part[:2]
    if len(digits) == 2 and digits.isalnum():
        try:
            return bytes.fromhex(digits.decode("ascii")) + part[2:]
        except ValueError:
            pass
    return b"%" + part


def split(target: bytes) -> tuple[str, bytes]:
    """Origin, absolute or asterisk form of a target as decoded path and raw query. Raises Malformed for a NUL."""
    target = target.partition(b"#")[0]
    if not target.startswith(b"/") and b"://" in target:
        _, slash, rest = re.split(rb"([/?]|\Z)", target.partition(b"://")[2], maxsplit=1)
        target = slash + rest if slash == b"/" else b"/" + slash + rest
    raw_path, _, query = target.partition(b"?")
    path = unquote(raw_path)
    if "\0" in path:
        raise Malformed("NUL in path")
    return path, query
