"""`wherry volume inspect`."""

from __future__ import annotations

from wherry.cli import flags, inspection
from wherry.cli.command import Command, Invocation
from wherry.client.transport import quote


def _run(call: Invocation) -> int:
    return inspection.show(
        call.arguments,
        call.options.text("format"),
        lambda name: call.engine.request("GET", f"/volumes/{quote(name)}").read(),
    )


COMMAND = Command(
    _run,
    "Show volumes in full",
    "[OPTIONS] VOLUME [VOLUME...]",
    least=1,
    most=None,
    flags=(flags.output_format(table=False),),
    examples=("volume inspect data",),
)
