"""One request on its way through a route."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from wherry.api.versions import Version
from wherry.http.message import Query, Request
from wherry.server import decoding

if TYPE_CHECKING:
    from wherry.engine.containers import Container
    from wherry.engine.engine import Engine

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """`parameters` are those in the path, `version` the one of the API that the client speaks."""

    engine: Engine
    request: Request
    version: Version
    parameters: dict[str, str]

    @property
    def query(self) -> Query:
        return self.request.query

    @property
    def id(self) -> str:
        return self.parameters["id"]

    @property
    def name(self) -> str:
        return self.parameters["name"]

    def container(self) -> Container:
        """The container that the path names: NoSuchContainer, AmbiguousPrefix."""
        return self.engine.containers.find(self.id)

    async def body(self, type_: type[T]) -> T:
        return await decoding.body(self.request, type_)

    async def optional_body(self, type_: type[T]) -> T | None:
        return await decoding.optional_body(self.request, type_)
