"""`wherry network inspect`."""

from __future__ import annotations

from wherry.cli import flags, inspection
from wherry.cli.command import Command, Invocation
from wherry.client.transport import quote


def _run(call: Invocation) -> int:
    verbose = [("verbose", "true")] if call.options.on("verbose") else []
    return inspection.show(
        call.arguments,
        call.options.text("format"),
        lambda name: call.engine.request("GET", f"/networks/{quote(name)}", verbose).read(),
    )


COMMAND = Command(
    _run,
    "Show networks in full",
    "[OPTIONS] NETWORK [NETWORK...]",
    least=1,
    most=None,
    flags=(flags.output_format(table=False), flags.switch("verbose", "v", "Show what helps to find faults")),
    examples=("network inspect bridge",),
)
