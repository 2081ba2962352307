"""Signals by name and number.

Knows signal(7) with the names shells and Docker accept. Must not know whom they are sent to. Real-time signals count
from the C library's SIGRTMIN, 34, which is what programs mean by the name; the kernel's own first is 32.
"""

from __future__ import annotations

import signal

_RTMIN = int(signal.SIGRTMIN)
_RTMAX = int(signal.SIGRTMAX)

_LONGEST = 4
"""Digits that are looked at: more cannot make a signal, and int() refuses very many."""


class UnknownSignal(ValueError):
    """In Docker's words."""

    def __init__(self, text: str) -> None:
        super().__init__(f"invalid signal: {text}")
        self.text = text


def _names() -> dict[str, int]:
    names = {member.name.removeprefix("SIG"): int(member) for member in signal.Signals}
    names |= {"IOT": int(signal.SIGABRT), "CLD": int(signal.SIGCHLD), "POLL": int(signal.SIGIO)}
    names |= {f"RTMIN+{offset}": _RTMIN + offset for offset in range(1, _RTMAX - _RTMIN + 1)}
    names |= {f"RTMAX-{offset}": _RTMAX - offset for offset in range(1, _RTMAX - _RTMIN + 1)}
    return names


_NUMBERS = _names()
_CANONICAL = {int(member): member.name for member in signal.Signals}


def parse(text: str) -> int:
    """The number of `TERM`, `SIGTERM`, `15` or `RTMIN+3`, in any case. UnknownSignal if it is none."""
    if text.isascii() and text.isdigit():
        number = int(text[:_LONGEST])
        if not 1 <= number <= _RTMAX:
            raise UnknownSignal(text)
        return number
    try:
        return _NUMBERS[text.upper().removeprefix("SIG")]
    except KeyError:
        raise UnknownSignal(text) from None


def name(number: int) -> str:
    """`SIGTERM` for 15, `SIGRTMIN+3` for 37. UnknownSignal if the kernel has no such signal."""
    if number in _CANONICAL:
        return _CANONICAL[number]
    if _RTMIN < number < _RTMAX:
        return f"SIGRTMIN+{number - _RTMIN}"
    if 1 <= number <= _RTMAX:
        return f"SIG{number}"
    raise UnknownSignal(str(number))
