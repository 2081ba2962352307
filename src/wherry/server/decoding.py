"""Request bodies as wire types, read as leniently as Go's encoding/json does it.

Knows JSON and the wire types' names: they compare without case, unknown ones are ignored, and a command may be one
string. Must not know what a request means.
"""

from __future__ import annotations

import types
import typing
from functools import cache
from typing import Any, TypeVar

import msgspec

from wherry import errors
from wherry.http.message import Request

T = TypeVar("T")

BODY_BYTES = 4 << 20
"""Largest JSON body."""
_DEPTH = 64
_STRING_OR_LIST = frozenset({"Cmd", "Entrypoint", "Shell"})


class UnsupportedContentType(errors.InvalidArgument):
    def __init__(self, given: str) -> None:
        super().__init__(f"unsupported Content-Type header ({given}): must be 'application/json'")


class InvalidJson(errors.InvalidArgument):
    def __init__(self, reason: str) -> None:
        super().__init__(f"invalid JSON: {reason}")


class ContentAfterJson(errors.InvalidArgument):
    def __init__(self) -> None:
        super().__init__("unexpected content after JSON")


async def body(request: Request, type_: type[T]) -> T:
    """The body as `type_`; InvalidJson if there is none."""
    found = await optional_body(request, type_)
    if found is None:
        raise InvalidJson("got EOF while reading request body")
    return found


async def optional_body(request: Request, type_: type[T]) -> T | None:
    """The body as `type_`, None if it is empty."""
    data = await request.body.read(BODY_BYTES)
    if not data:
        return None
    content_type = request.headers.get("content-type")
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedContentType(content_type)
    return decode(data, type_)


def decode(data: bytes, type_: type[T]) -> T:
    try:
        value = msgspec.json.decode(data)
    except RecursionError:
        raise InvalidJson("nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if "trailing characters" in str(error):
            raise ContentAfterJson from None
        raise InvalidJson(str(error)) from None
    if value is None:
        raise InvalidJson("got null, expected an object")
    try:
        return msgspec.convert(_exact(value, type_, _DEPTH), type_)
    except msgspec.ValidationError as error:
        raise InvalidJson(str(error)) from None


def _exact(value: Any, type_: Any, depth: int) -> Any:
    """The value with members called as `type_` calls them."""
    if depth == 0:
        raise InvalidJson("nested too deeply")
    if isinstance(value, dict):
        if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
            members, folded = _members(type_)
            return {
                name: _exact(_listed(name, item), members[name], depth - 1)
                for name, item in (
                    (key if key in members else folded.get(key.lower(), ""), v) for key, v in value.items()
                )
                if name
            }
        inner = _arguments(type_, dict)[1]
        return {key: _exact(item, inner, depth - 1) for key, item in value.items()}
    if isinstance(value, list):
        inner = _arguments(type_, list)[0]
        return [_exact(item, inner, depth - 1) for item in value]
    return value


def _listed(name: str, item: object) -> object:
    return [item] if name in _STRING_OR_LIST and isinstance(item, str) else item


@cache
def _members(type_: type[msgspec.Struct]) -> tuple[dict[str, Any], dict[str, str]]:
    """The types of a wire type's members by JSON name, and those names by their lower case."""
    hints = typing.get_type_hints(type_)
    names = zip(type_.__struct_encode_fields__, type_.__struct_fields__, strict=True)
    members = {name: _required(hints[field]) for name, field in names}
    return members, {name.lower(): name for name in members}


def _required(hint: Any) -> Any:
    """The one type in `X | None | UnsetType`."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        choices = [each for each in typing.get_args(hint) if each not in (type(None), msgspec.UnsetType)]
        return choices[0] if len(choices) == 1 else Any
    return hint


def _arguments(type_: Any, origin: type) -> tuple[Any, ...]:
    if typing.get_origin(type_) is origin:
        return tuple(_required(each) for each in typing.get_args(type_))
    return (Any, Any)
