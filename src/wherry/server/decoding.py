"""Request bodies as wire types.

Knows what a body must be called and how large it may be. Must not know JSON, which is `api.decode`'s, or what a request
means.
"""

from __future__ import annotations

from typing import TypeVar

from wherry import errors
from wherry.api.decode import NoJson, decode
from wherry.http.message import Request

T = TypeVar("T")

BODY_BYTES = 4 << 20
"""Largest JSON body."""


class UnsupportedContentType(errors.InvalidArgument):
    def __init__(self, given: str) -> None:
        super().__init__(f"unsupported Content-Type header ({given}): must be 'application/json'")


async def body(request: Request, type_: type[T]) -> T:
    """The body as `type_`; NoJson if there is none, and whatever `decode` raises."""
    found = await optional_body(request, type_)
    if found is None:
        raise NoJson
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
