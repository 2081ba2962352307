"""Files of environment variables and labels.

Knows one NAME=VALUE a line, comments, and NAME alone for the value it has here. Must not know what the names are for.
"""

from __future__ import annotations

import os

from wherry.cli.failure import Failure


def lines(path: str) -> list[str]:
    """The lines that are neither empty nor comments, white space before them removed. Raises Failure."""
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise Failure(f"open {path}: {(error.strerror or '').lower()}", 125) from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Failure(f"env file {path} contains invalid utf8 bytes", 125) from None
    found = []
    for line in text.split("\n"):
        stripped = line.rstrip("\r").lstrip()
        if not stripped or stripped.startswith("#"):
            continue
        name = stripped.partition("=")[0]
        if not name:
            raise Failure(f"invalid env file ({path}): no variable name on line '{stripped}'", 125)
        if any(letter.isspace() for letter in name):
            raise Failure(f"invalid env file ({path}): variable '{name}' contains whitespaces", 125)
        found.append(stripped)
    return found


def variables(path: str) -> list[str]:
    """The same as variables; a bare name that has no value here is left out."""
    found = []
    for line in lines(path):
        if "=" in line:
            found.append(line)
        elif line in os.environ:
            found.append(f"{line}={os.environ[line]}")
    return found
