"""The question before something is deleted for good.

Knows the terminal's standard input. Must not know what is deleted.
"""

from __future__ import annotations

import sys


def agreed(warning: str) -> bool:
    """Whether the user says yes."""
    sys.stdout.write(f"{warning}\nAre you sure you want to continue? [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
