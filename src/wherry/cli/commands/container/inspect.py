"""`wherry container inspect`."""

from __future__ import annotations

from wherry.cli import flags, inspection
from wherry.cli.command import Command, Invocation
from wherry.client.transport import quote


def _run(call: Invocation) -> int:
    size = [("size", "1")] if call.options.on("size") else []
    return inspection.show(
        call.arguments,
        call.options.text("format"),
        lambda name: call.engine.request("GET", f"/containers/{quote(name)}/json", size).read(),
    )


COMMAND = Command(
    _run,
    "Show containers in full",
    "[OPTIONS] CONTAINER [CONTAINER...]",
    least=1,
    most=None,
    flags=(flags.output_format(table=False), flags.switch("size", "s", "Show how much the container has written")),
    examples=("container inspect web", "container inspect -f '{{.State.Pid}}' web"),
)
