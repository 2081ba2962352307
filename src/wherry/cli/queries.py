"""Query parameters that several commands send.

Knows how filters and moments are written in a query. Must not know which commands send them.
"""

from __future__ import annotations

import time

from wherry.cli.failure import Failure
from wherry.client import jsontext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def filters(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The `filters` parameter, none without filters: {"label": {"a=b": true}}."""
    document: dict[str, dict[str, bool]] = {}
    for key, value in pairs:
        document.setdefault(key, {})[value] = True
    return [("filters", jsontext.encode(document, sort_keys=True))] if document else []


def moment(text: str) -> str:
    """Seconds since 1970 from a moment or from a duration before now. Raises Failure."""
    from wherry.cli import units

    try:
        return str(int(time.time() - units.read_duration(text) / units.SECOND))
    except ValueError:
        pass
    if "-" not in text.lstrip("-"):
        if not text.replace(".", "", 1).isdigit():
            raise Failure(f"failed to parse value as time or duration: {text!r}")
        return text
    return _calendar(text)


def _calendar(text: str) -> str:
    from datetime import datetime, timedelta

    whole, dot, fraction = text.replace("Z", "+00:00").partition(".")
    zone = ""
    if dot:
        digits = next((index for index, letter in enumerate(fraction) if not letter.isdigit()), len(fraction))
        fraction, zone = fraction[:digits], fraction[digits:]
    try:
        parsed = datetime.fromisoformat(whole + zone)
    except ValueError:
        raise Failure(f'parsing time "{text}" as "2006-01-02T15:04:05": cannot parse') from None
    if parsed.tzinfo is None:
        parsed = parsed.astimezone()
    seconds = (
        parsed - datetime(1970, 1, 1, tzinfo=parsed.tzinfo) + (parsed.utcoffset() or timedelta()) * -1
    ).total_seconds()
    return f"{int(seconds)}.{fraction[:9]:0<9}"
