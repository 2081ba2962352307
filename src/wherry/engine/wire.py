"""Reading Docker's wire values: what is absent or null counts as Go's zero value, as it does in dockerd."""

from __future__ import annotations

from typing import TypeVar

from msgspec import UNSET, UnsetType

T = TypeVar("T")
V = TypeVar("V")


def text(value: str | None | UnsetType) -> str:
    return value if isinstance(value, str) else ""


def number(value: int | None | UnsetType) -> int:
    return value if isinstance(value, int) else 0


def flag(value: bool | None | UnsetType) -> bool:
    return value is True


def items(value: list[T] | None | UnsetType) -> list[T]:
    return value if isinstance(value, list) else []


def mapping(value: dict[str, V] | None | UnsetType) -> dict[str, V]:
    return value if isinstance(value, dict) else {}


def given(value: T | None | UnsetType, otherwise: T) -> T:
    """The value if there is one, even if it is empty."""
    return otherwise if value is None or value is UNSET else value
