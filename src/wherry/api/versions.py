"""Versions of the Engine API: which we speak, and Docker's words for those we do not."""

from __future__ import annotations

import re
from typing import NamedTuple

from wherry import errors


class Version(NamedTuple):
    """Compares as numbers do: 1.9 is older than 1.24."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


MINIMUM = Version(1, 24)
MAXIMUM = Version(1, 55)

_TEXT = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})\Z")


class InvalidVersion(errors.InvalidArgument):
    def __init__(self, text: str) -> None:
        super().__init__(f"invalid API version: {text}")


class TooNew(errors.InvalidArgument):
    def __init__(self, version: Version) -> None:
        super().__init__(f"client version {version} is too new. Maximum supported API version is {MAXIMUM}")


class TooOld(errors.InvalidArgument):
    def __init__(self, version: Version) -> None:
        super().__init__(
            f"client version {version} is too old. Minimum supported API version is {MINIMUM}, "
            "please upgrade your client to a newer version"
        )


def parse(text: str) -> Version:
    match = _TEXT.match(text)
    if not match:
        raise InvalidVersion(text)
    return Version(int(match[1]), int(match[2]))


def negotiated(text: str) -> Version:
    """The version a request asks for, if we speak it: TooNew, TooOld, InvalidVersion."""
    version = parse(text)
    if version > MAXIMUM:
        raise TooNew(version)
    if version < MINIMUM:
        raise TooOld(version)
    return version
