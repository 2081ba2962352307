"""`wherry save`: images as a tar archive."""

from __future__ import annotations

from wherry.cli import archives, flags, platforms
from wherry.cli.command import Command, Invocation


def _run(call: Invocation) -> int:
    target = archives.target(call.options.text("output"), what="failed to save image")
    parameters = [("names", name) for name in call.arguments] + platforms.parameter(call.options.text("platform"))
    archives.receive(call.engine.request("GET", "/images/get", parameters), target)
    return 0


COMMAND = Command(
    _run,
    "Write images to a tar archive or to standard output",
    "[OPTIONS] IMAGE [IMAGE...]",
    least=1,
    most=None,
    flags=(
        flags.text("output", "o", "File to write instead of standard output"),
        flags.text("platform", "", "Only this platform (linux/amd64)"),
    ),
    examples=("save -o busybox.tar busybox",),
)
