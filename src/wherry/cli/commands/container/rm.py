"""`wherry rm`: remove containers."""

from __future__ import annotations

from wherry.cli import flags
from wherry.cli.command import Command, Invocation
from wherry.cli.failure import Failure
from wherry.client.transport import query


def _run(call: Invocation) -> int:
    options = call.options
    wanted = (("v", "volumes"), ("link", "link"), ("force", "force"))
    parameters = [(key, "1") for key, name in wanted if options.on(name)]
    call.arguments = [name.strip("/") for name in call.arguments]
    if not all(call.arguments):
        raise Failure("container name cannot be empty")
    return call.all_at_once("DELETE", "/containers/{}" + query(parameters), forgiving=options.on("force"))


COMMAND = Command(
    _run,
    "Remove containers",
    "[OPTIONS] CONTAINER [CONTAINER...]",
    least=1,
    most=None,
    flags=(
        flags.switch("force", "f", "Kill a container that runs, and remove it"),
        flags.switch("link", "l", "Remove a link, not the container"),
        flags.switch("volumes", "v", "Remove the container's anonymous volumes too"),
    ),
    examples=("rm web", "rm -f $(wherry ps -aq)"),
)
