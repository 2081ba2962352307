"""What a long operation says while it works.

Knows the fields that Docker's clients show. Must not know how they are sent.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """One message. `stream` is text for people, `status` the state of the part `id`, `current` of `total` in bytes."""

    status: str = ""
    id: str = ""
    current: int = 0
    total: int = 0
    stream: str = ""
    aux: dict[str, str] | None = None


Report = Callable[[Progress], None]
"""Called on any thread, often; must return at once. An exception from it ends the operation."""


def silent(_: Progress) -> None:
    """A `Report` for nobody."""
