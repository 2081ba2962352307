"""What this program says about itself in `version` and `info`.

Knows its version and the machine's. Must not know the engine.
"""

from __future__ import annotations

import os
import sys

import wherry
from wherry.cli.configuration import Configuration
from wherry.client import transport

VERSION = wherry.__version__
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


def facts(configuration: Configuration, api_version: str) -> dict[str, str]:
    """Docker's ClientVersion; `api_version` is the one in use."""
    machine = os.uname()
    return {
        "Version": VERSION,
        "ApiVersion": api_version,
        "DefaultAPIVersion": transport.MAXIMUM_VERSION,
        "GitCommit": "",
        "GoVersion": f"python{sys.version.split(' ', 1)[0]}",
        "Os": machine.sysname.lower(),
        "Arch": _ARCHITECTURES.get(machine.machine, machine.machine),
        "BuildTime": "",
        "Context": os.environ.get("DOCKER_CONTEXT", "") or configuration.text("currentContext") or "default",
    }


def build_time(text: str) -> str:
    """A moment as `version` shows it: "Fri Jan  2 03:04:05 2026"."""
    day, _, clock = text.partition("T")
    parts = day.split("-")
    if len(parts) != 3 or len(clock) < 8:
        return text
    from datetime import date

    parsed = date.fromisoformat(day)
    return f"{parsed:%a} {parsed:%b} {parsed.day:2d} {clock[:8]} {parsed.year}"
