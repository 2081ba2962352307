"""`wherry pause`."""

from __future__ import annotations

from wherry.cli.command import Command, Invocation


def _run(call: Invocation) -> int:
    return call.all_at_once("POST", "/containers/{}/pause")


COMMAND = Command(
    _run,
    "Freeze the processes of containers",
    "CONTAINER [CONTAINER...]",
    least=1,
    most=None,
    examples=("pause web",),
)
