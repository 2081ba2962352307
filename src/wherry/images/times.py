"""Moments as people and documents write them, in nanoseconds since 1970.

Knows RFC 3339 with nanoseconds, Unix seconds and Go's durations. Must not know what happened then. Docker's filters
take all three; see "time.ParseDuration" in Go's documentation.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

from wherry import errors

SECOND = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?([Zz]|[+-]\d\d:\d\d)?", re.ASCII
)
_UNIX = re.compile(r"(-?\d+)(?:\.(\d{1,9}))?", re.ASCII)
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_UNITS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": 3600 * SECOND,
}


class InvalidTime(errors.InvalidArgument):
    def __init__(self, text: str) -> None:
        super().__init__(
            f'failed to parse value as time or duration: "{text}"',
            hint="write 2026-01-31T12:00:00Z, seconds since 1970, or a duration such as 24h",
        )


def from_rfc3339(text: str) -> int:
    """The moment written as `text`; the time of day and the zone (UTC) may be missing. Raises InvalidTime."""
    found = _MOMENT.fullmatch(text)
    if not found:
        raise InvalidTime(text)
    day, minute, second, fraction, zone = found.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{minute or '00:00'}:{second or '00'}+00:00")
    except ValueError:
        raise InvalidTime(text) from None
    whole = (moment - _EPOCH) // timedelta(seconds=1) - _offset(zone)
    return whole * SECOND + int((fraction or "").ljust(9, "0"))


def or_zero(text: str | None) -> int:
    """The moment in a document by a stranger, 0 if there is none that can be read."""
    try:
        return from_rfc3339(text) if text else 0
    except InvalidTime:
        return 0


def to_rfc3339(ns: int) -> str:
    """The moment as Go writes it: UTC, trailing zeros of the fraction dropped."""
    seconds, fraction = divmod(ns, SECOND)
    text = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    return text + (f".{fraction:09d}".rstrip("0") if fraction else "") + "Z"


def parse(text: str, now: int | None = None) -> int:
    """The moment that a filter's value means; a duration counts back from `now`. Raises InvalidTime."""
    unix = _UNIX.fullmatch(text)
    if unix:
        return int(unix[1]) * SECOND + int((unix[2] or "").ljust(9, "0"))
    if "-" in text:
        return from_rfc3339(text)
    return (time.time_ns() if now is None else now) - duration(text)


def duration(text: str) -> int:
    """The nanoseconds that a Go duration such as `1h30m` means. Raises InvalidTime."""
    if text == "0":
        return 0
    if not text or _DURATION.sub("", text):
        raise InvalidTime(text)
    return int(sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(text)))


def _offset(zone: str | None) -> int:
    if not zone or zone in "Zz":
        return 0
    seconds = int(zone[1:3]) * 3600 + int(zone[4:6]) * 60
    return -seconds if zone[0] == "-" else seconds
