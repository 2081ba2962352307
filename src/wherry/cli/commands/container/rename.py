"""`wherry rename`: give a container another name."""

from __future__ import annotations

from wherry.cli.command import Command, Invocation
from wherry.cli.failure import Failure
from wherry.client.transport import quote


def _run(call: Invocation) -> int:
    old, new = (name.strip() for name in call.arguments)
    if not old or not new:
        raise Failure("Error: Neither old nor new names may be empty")
    call.engine.post(f"/containers/{quote(old)}/rename", [("name", new)])
    return 0


COMMAND = Command(
    _run, "Give a container another name", "CONTAINER NEW_NAME", least=2, most=2, examples=("rename web old-web",)
)
