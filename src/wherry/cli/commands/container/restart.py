"""`wherry restart`: restart containers, gently at first."""

from __future__ import annotations

from wherry.cli import flags
from wherry.cli.command import Command, Invocation
from wherry.client.transport import query


def _run(call: Invocation) -> int:
    options = call.options
    parameters = []
    if options.text("signal"):
        parameters.append(("signal", options.text("signal")))
    if options.given("timeout") or options.given("time"):
        parameters.append(("t", str(options.number("timeout" if options.given("timeout") else "time"))))
    return call.all_at_once("POST", "/containers/{}/restart" + query(parameters))


COMMAND = Command(
    _run,
    "Restart containers",
    "[OPTIONS] CONTAINER [CONTAINER...]",
    least=1,
    most=None,
    flags=(
        flags.text("signal", "s", "Signal to send first"),
        flags.number("time", "", "Former name of --timeout", hidden=True),
        flags.number("timeout", "t", "Seconds to wait before the container is killed, -1 for ever"),
    ),
    examples=("restart web", "restart -t 60 db"),
)
