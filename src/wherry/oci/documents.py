"""Reading the JSON documents of images, which strangers wrote.

Knows the limits, and that Go writes an empty list as null. Must not know any document's members.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

DOCUMENT_MAX = 8 << 20
"""Bytes: no manifest, index or image config is larger. Registries refuse more than 4 MiB."""

T = TypeVar("T")


class Malformed(Exception):
    """The document is no JSON of the wanted shape; the text says where. Readers turn it into an error of theirs."""


def decode(document: bytes, shape: type[T]) -> T:
    """The document as a `shape`; a member that is null counts as absent where its type does not allow null."""
    if len(document) > DOCUMENT_MAX:
        raise Malformed(f"{len(document)} bytes are more than {DOCUMENT_MAX}")
    try:
        try:
            return msgspec.json.decode(document, type=shape)
        except msgspec.ValidationError:
            return msgspec.convert(_without_nulls(msgspec.json.decode(document)), shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(str(error)) from None


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(member) for name, member in value.items() if member is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value
