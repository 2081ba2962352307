"""How a command ends early.

Knows messages and exit codes. Must not know commands. Docker's codes: 125 for a mistake on the command line or an
engine that refuses a `run`, 126 and 127 for a program that cannot be started, 1 for the rest.
"""

from __future__ import annotations


class Failure(Exception):
    """Print `message` to standard error (nothing if empty) and leave with `code`."""

    def __init__(self, message: str = "", code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class FlagError(Failure):
    """A flag that is unknown, lacks its value or has one that cannot be read."""

    def __init__(self, message: str) -> None:
        super().__init__(message, 125)


class HelpAsked(Exception):
    """--help or -h stood among the flags; `deprecated` if it was -h."""

    def __init__(self, deprecated: bool = False) -> None:
        super().__init__()
        self.deprecated = deprecated
