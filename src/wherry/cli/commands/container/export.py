"""`wherry export`: a container's file system as a tar archive."""

from __future__ import annotations

from wherry.cli import archives, flags
from wherry.cli.command import Command, Invocation
from wherry.client.transport import quote


def _run(call: Invocation) -> int:
    target = archives.target(call.options.text("output"), what="failed to export container")
    archives.receive(call.engine.request("GET", f"/containers/{quote(call.arguments[0])}/export"), target)
    return 0


COMMAND = Command(
    _run,
    "Write a container's file system to a tar archive",
    "[OPTIONS] CONTAINER",
    least=1,
    most=1,
    flags=(flags.text("output", "o", "File to write instead of standard output"),),
    examples=("export web > web.tar",),
)
