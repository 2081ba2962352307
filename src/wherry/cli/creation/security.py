"""The --security-opt flag.

Knows that a seccomp profile is a file here, and its content in the request. Must not know what options mean.
"""

from __future__ import annotations

from wherry.cli.failure import Failure
from wherry.client import jsontext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_BARE = ("no-new-privileges", "writable-cgroups", "disable")


def settings(words: Iterable[str]) -> dict[str, Any]:
    """SecurityOpt, and empty MaskedPaths and ReadonlyPaths for systempaths=unconfined. Raises Failure."""
    options: list[str] = []
    found: dict[str, Any] = {}
    for word in words:
        if word == "systempaths=unconfined":
            found |= {"MaskedPaths": [], "ReadonlyPaths": []}
            continue
        name, separator, value = word.partition("=") if "=" in word else word.partition(":")
        if not separator and word not in _BARE:
            raise Failure(f'Invalid --security-opt: "{word}"', 125)
        if name == "seccomp" and value not in ("unconfined", "builtin"):
            word = f"seccomp={_profile(value)}"
        options.append(word)
    return {**found, "SecurityOpt": options} if options else found


def _profile(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return jsontext.encode(jsontext.decode(file.read()))
    except OSError as error:
        reason = (error.strerror or "").lower()
        raise Failure(f"opening seccomp profile ({path}) failed: open {path}: {reason}", 125) from None
    except ValueError as error:
        raise Failure(f"compacting json for seccomp profile ({path}) failed: {error}", 125) from None
