"""`wherry top`: the processes of a container."""

from __future__ import annotations

import sys

from wherry.cli import columns
from wherry.cli.command import Command, Invocation
from wherry.client.transport import quote


def _run(call: Invocation) -> int:
    name, *arguments = call.arguments
    parameters = [("ps_args", " ".join(arguments))] if arguments else []
    answer = call.engine.get(f"/containers/{quote(name)}/top", parameters)
    rows = [answer["Titles"], *(answer["Processes"] or [])]
    text = "".join("\t".join(row) + "\n" for row in rows)
    sys.stdout.write(columns.aligned(text, minimum=20))
    return 0


COMMAND = Command(
    _run,
    "Show the processes of a container",
    "CONTAINER [ps OPTIONS]",
    least=1,
    most=None,
    interspersed=False,
    examples=("top web", "top web -o pid,comm"),
)
