"""`wherry wait`: wait for containers to stop, print their exit codes."""

from __future__ import annotations

from wherry.cli.command import Command, Invocation
from wherry.client.transport import quote


def _run(call: Invocation) -> int:
    def wait(name: str) -> None:
        print(call.engine.post(f"/containers/{quote(name)}/wait")["StatusCode"], flush=True)

    return call.each(wait, say=False)


COMMAND = Command(
    _run,
    "Wait for containers to stop and print their exit codes",
    "CONTAINER [CONTAINER...]",
    least=1,
    most=None,
    examples=("wait job",),
)
