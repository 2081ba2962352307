"""`wherry network disconnect`: take a container off a network."""

from __future__ import annotations

from wherry.cli import flags
from wherry.cli.command import Command, Invocation
from wherry.client.transport import quote


def _run(call: Invocation) -> int:
    network, container = call.arguments
    body = {"Container": container, "Force": call.options.on("force")}
    call.engine.post(f"/networks/{quote(network)}/disconnect", json=body)
    return 0


COMMAND = Command(
    _run,
    "Take a container off a network",
    "[OPTIONS] NETWORK CONTAINER",
    least=2,
    most=2,
    flags=(flags.switch("force", "f", "Take it off even if something stands against it"),),
    examples=("network disconnect back web",),
)
