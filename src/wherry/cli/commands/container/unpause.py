"""`wherry unpause`."""

from __future__ import annotations

from wherry.cli.command import Command, Invocation


def _run(call: Invocation) -> int:
    return call.all_at_once("POST", "/containers/{}/unpause")


COMMAND = Command(
    _run,
    "Let frozen processes go on",
    "CONTAINER [CONTAINER...]",
    least=1,
    most=None,
    examples=("unpause web",),
)
