"""`wherry pause`."""

from __future__ import annotations

from wherry.cli.command import Command, Invocation


def _run(call: Invocation) -> int:
    return call.all_at_once("POST", "/containers/{}/pause")


COMMAND = Command(
    _run,
    "Pause all processes of one or more containers",
    "CONTAINER [CONTAINER...]",
    least=1,
    most=None,
    examples=("pause web",),
)
