"""The --platform flag of commands about images.

Knows that the API wants an object where users write `os/architecture/variant`. Must not know which platforms there are.
"""

from __future__ import annotations

from wherry.cli.failure import Failure
from wherry.client import jsontext


def parameter(platform: str) -> list[tuple[str, str]]:
    """The `platform` query parameter, none for "". Raises Failure."""
    if not platform:
        return []
    parts = platform.split("/")
    if not 2 <= len(parts) <= 3 or not all(parts):
        raise Failure(f'invalid platform: "{platform}": expected os/architecture or os/architecture/variant')
    return [("platform", jsontext.encode(dict(zip(("os", "architecture", "variant"), parts, strict=False))))]
