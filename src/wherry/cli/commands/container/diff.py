"""`wherry diff`: what a container changed in its file system."""

from __future__ import annotations

from wherry.cli.command import Command, Invocation
from wherry.cli.failure import Failure
from wherry.client.transport import quote

_KINDS = "CAD"


def _run(call: Invocation) -> int:
    name = call.arguments[0]
    if not name.strip("/"):
        raise Failure("Container name cannot be empty")
    for change in call.engine.get(f"/containers/{quote(name)}/changes") or ():
        print(_KINDS[change["Kind"]], change["Path"])
    return 0


COMMAND = Command(
    _run,
    "Show what a container changed in its file system",
    "CONTAINER",
    least=1,
    most=1,
    examples=("diff web",),
)
