"""The headers that every answer carries: by them clients learn which version to speak."""

from __future__ import annotations

import wherry
from wherry.api import versions

HEADERS = (
    ("Api-Version", str(versions.MAXIMUM)),
    ("Docker-Experimental", "false"),
    ("Ostype", "linux"),
    ("Server", f"Wherry/{wherry.__version__} (linux)"),
)
