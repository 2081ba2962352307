"""`wherry tag`: give an image one more name."""

from __future__ import annotations

from wherry.cli import references
from wherry.cli.command import Command, Invocation
from wherry.client.transport import quote


def _run(call: Invocation) -> int:
    source, target = call.arguments
    name, tag = references.target(target)
    call.engine.post(f"/images/{quote(source)}/tag", [("repo", name), ("tag", tag)])
    return 0


COMMAND = Command(
    _run,
    "Give an image one more name",
    "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
    least=2,
    most=2,
    examples=("tag busybox registry.example.org/busybox:1",),
)
