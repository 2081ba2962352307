"""Durations, sizes and moments in the words that people read.

Knows the wording of Docker's lists ("About an hour ago", "1.23MB"). Must not know what is measured.
"""

from __future__ import annotations

import time

_DECIMAL = ("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")
_DURATION_UNITS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
SECOND = 10**9


def duration(seconds: float) -> str:
    """How long, roughly: "Less than a second", "About a minute", "3 hours", "2 weeks"."""
    whole = int(seconds)
    if whole < 1:
        return "Less than a second"
    if whole == 1:
        return "1 second"
    if whole < 60:
        return f"{whole} seconds"
    minutes = int(seconds / 60)
    if minutes == 1:
        return "About a minute"
    if minutes < 60:
        return f"{minutes} minutes"
    hours = int(seconds / 3600 + 0.5)
    if hours == 1:
        return "About an hour"
    for limit, size, name in (
        (48, 1, "hours"),
        (24 * 14, 24, "days"),
        (24 * 60, 168, "weeks"),
        (24 * 730, 720, "months"),
    ):
        if hours < limit:
            return f"{hours // size} {name}"
    return f"{int(seconds / 3600) // 24 // 365} years"


def ago(moment: float) -> str:
    """How long before now a moment (seconds since 1970) was."""
    return duration(time.time() - moment) + " ago"


def _scaled(size: float, base: float, names: tuple[str, ...], digits: int) -> str:
    step = 0
    while abs(size) >= base and step < len(names) - 1:
        size /= base
        step += 1
    return f"{size:.{digits}g}{names[step]}"


def decimal_size(size: float, digits: int = 4) -> str:
    """Bytes in powers of 1000: "1.234MB"."""
    return _scaled(size, 1000.0, _DECIMAL, digits)


def binary_size(size: float, digits: int = 4) -> str:
    """Bytes in powers of 1024: "1.5GiB"."""
    return _scaled(size, 1024.0, _BINARY, digits)


def moment(seconds: int) -> str:
    """A moment in local time: "2016-06-08 17:53:12 +0000 UTC"."""
    local = time.localtime(seconds)
    return time.strftime("%Y-%m-%d %H:%M:%S %z %Z", local)


def rfc3339(seconds: int) -> str:
    """A moment in local time: "2016-06-08T17:53:12Z", or with the offset from UTC."""
    local = time.localtime(seconds)
    offset = time.strftime("%z", local)
    return time.strftime("%Y-%m-%dT%H:%M:%S", local) + ("Z" if offset == "+0000" else f"{offset[:3]}:{offset[3:]}")


def read_size(word: str) -> int:
    """Bytes from "512", "64m" or "1.5GiB", in powers of 1024. Raises ValueError."""
    last = max((index for index, letter in enumerate(word) if letter in "0123456789. "), default=-1)
    if last < 0:
        raise ValueError(f"invalid size: '{word}'")
    digits, suffix = word[: last + 1].rstrip(" "), word[last + 1 :].lower()
    try:
        size = float(digits)
    except ValueError:
        raise ValueError(f'strconv.ParseFloat: parsing "{digits}": invalid syntax') from None
    if size < 0:
        raise ValueError(f"invalid size: '{word}'")
    if not suffix or suffix == "b":
        return int(size)
    power = "kmgtp".find(suffix[0]) + 1
    if power == 0 or suffix[1:] not in ("", "b", "ib"):
        raise ValueError(f"invalid suffix: '{word[last + 1 :]}'")
    return int(size * 1024**power)


def read_duration(word: str) -> int:
    """Nanoseconds from "1m30s" or "1.5h". Raises ValueError."""
    sign, rest = (-1, word[1:]) if word.startswith("-") else (1, word.removeprefix("+"))
    if rest == "0":
        return 0
    if not rest:
        raise ValueError(f'time: invalid duration "{word}"')
    total = 0.0
    while rest:
        end = next((index for index, letter in enumerate(rest) if letter not in "0123456789."), len(rest))
        digits, rest = rest[:end], rest[end:]
        end = next((index for index, letter in enumerate(rest) if letter in "0123456789."), len(rest))
        unit, rest = rest[:end], rest[end:]
        if not digits.strip("."):
            raise ValueError(f'time: invalid duration "{word}"')
        if not unit:
            raise ValueError(f'time: missing unit in duration "{word}"')
        if unit not in _DURATION_UNITS:
            raise ValueError(f'time: unknown unit "{unit}" in duration "{word}"')
        total += float(digits) * _DURATION_UNITS[unit]
    return sign * int(total)


def short_id(identity: str) -> str:
    """The first twelve digits of an ID, without its algorithm."""
    return identity.partition(":")[2][:12] if ":" in identity else identity[:12]


def shortened(text: str, width: int) -> str:
    """`text`, or its beginning and an ellipsis if it has more than `width` characters."""
    return text if len(text) <= width else text[: width - 1] + "…" if width > 1 else text[:width]


_ESCAPES = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    '"': '\\"',
    "\\": "\\\\",
}


def quoted(text: str) -> str:
    """The text as a Go string literal."""
    return '"' + "".join(_ESCAPES.get(letter) or _printable(letter) for letter in text) + '"'


def _printable(letter: str) -> str:
    if letter.isprintable():
        return letter
    code = ord(letter)
    return f"\\x{code:02x}" if code < 128 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
