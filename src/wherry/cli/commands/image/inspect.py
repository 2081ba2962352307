"""`wherry image inspect`."""

from __future__ import annotations

from wherry.cli import flags, inspection, platforms
from wherry.cli.command import Command, Invocation
from wherry.client.transport import quote


def _run(call: Invocation) -> int:
    platform = platforms.parameter(call.options.text("platform"))
    return inspection.show(
        call.arguments,
        call.options.text("format"),
        lambda name: call.engine.request("GET", f"/images/{quote(name)}/json", platform).read(),
    )


COMMAND = Command(
    _run,
    "Show images in full",
    "[OPTIONS] IMAGE [IMAGE...]",
    least=1,
    most=None,
    flags=(flags.output_format(table=False), flags.text("platform", "", "Platform of the image (linux/amd64)")),
    examples=("image inspect busybox", "image inspect -f '{{.Size}}' busybox"),
)
