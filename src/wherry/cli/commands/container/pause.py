"""`wherry pause`."""

from __future__ import annotations

from wherry.cli.command import Command, Invocation
from wherry.client.transport import quote


def _run(call: Invocation) -> int:
    return call.each(lambda name: call.engine.post(f"/containers/{quote(name)}/pause"))


COMMAND = Command(
    _run, "Pause all processes of one or more containers", "CONTAINER [CONTAINER...]", least=1, most=None, examples=("pause web",)
)
