"""`wherry volume rm`: remove volumes."""

from __future__ import annotations

from wherry.cli import flags
from wherry.cli.command import Command, Invocation
from wherry.client.transport import quote


def _run(call: Invocation) -> int:
    parameters = [("force", "1")] if call.options.on("force") else []
    return call.each(lambda name: call.engine.delete(f"/volumes/{quote(name)}", parameters))


COMMAND = Command(
    _run,
    "Remove volumes",
    "[OPTIONS] VOLUME [VOLUME...]",
    least=1,
    most=None,
    flags=(flags.switch("force", "f", "Remove them even if their driver does not answer"),),
    examples=("volume rm data",),
)
