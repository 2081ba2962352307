"""`wherry system bootstrap-image`: a first image, made of this machine's own busybox, without any registry."""

from __future__ import annotations

import tempfile
from pathlib import Path

from wherry.cli import archives, flags
from wherry.cli.command import Command, Invocation
from wherry.cli.commands.image import load
from wherry.oci import busybox_image


def _run(call: Invocation) -> int:
    options = call.options
    reference = call.arguments[0] if call.arguments else "busybox:latest"
    with tempfile.TemporaryFile() as archive:
        busybox_image.write(archive, reference=reference, program=Path(options.text("program")))
        archive.seek(0)
        load.send(call, archives.pieces(archive.fileno()))
    return 0


COMMAND = Command(
    _run,
    "Make busybox:latest from this machine's static busybox, without a registry",
    "[OPTIONS] [NAME[:TAG]]",
    most=1,
    flags=(flags.text("program", "", "The busybox to take", default="/bin/busybox"),),
    examples=("system bootstrap-image", "run --rm busybox echo hello"),
)
