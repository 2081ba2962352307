"""Moments and spans as Docker writes them: RFC 3339 with Go's zero time, and "5 minutes" as people say it."""

from __future__ import annotations

from wherry.images import times

NEVER = "0001-01-01T00:00:00Z"
_SECOND = 10**9
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def stamp(moment: int) -> str:
    """Nanoseconds since 1970; 0 is never."""
    return times.to_rfc3339(moment) if moment else NEVER


def spoken(span: int) -> str:
    """Nanoseconds in the words of `docker ps`."""
    seconds = max(0, span) // _SECOND
    minutes, hours = seconds // _MINUTE, (seconds + _HOUR // 2) // _HOUR
    if seconds < _MINUTE:
        return ("Less than a second", "1 second")[seconds] if seconds < 2 else f"{seconds} seconds"
    if minutes < 60:
        return "About a minute" if minutes == 1 else f"{minutes} minutes"
    if hours < 48:
        return "About an hour" if hours == 1 else f"{hours} hours"
    days = hours // 24
    if days < 14:
        return f"{days} days"
    if days < 60:
        return f"{days // 7} weeks"
    if days < 730:
        return f"{days // 30} months"
    return f"{seconds // _DAY // 365} years"
