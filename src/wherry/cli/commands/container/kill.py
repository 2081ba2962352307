"""`wherry kill`: send a signal to containers."""

from __future__ import annotations

from wherry.cli import flags
from wherry.cli.command import Command, Invocation
from wherry.client.transport import query


def _run(call: Invocation) -> int:
    signal = call.options.text("signal")
    parameters = [("signal", signal)] if signal else []
    return call.all_at_once("POST", "/containers/{}/kill" + query(parameters))


COMMAND = Command(
    _run,
    "Send a signal to running containers",
    "[OPTIONS] CONTAINER [CONTAINER...]",
    least=1,
    most=None,
    flags=(flags.text("signal", "s", "Signal to send instead of SIGKILL"),),
    examples=("kill web", "kill -s HUP web"),
)
