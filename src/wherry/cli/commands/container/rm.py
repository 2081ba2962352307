"""`wherry rm`: remove containers."""

from __future__ import annotations

from wherry.cli import flags
from wherry.cli.command import Command, Invocation
from wherry.cli.failure import Failure
from wherry.client.transport import quote


def _run(call: Invocation) -> int:
    options = call.options
    wanted = (("v", "volumes"), ("link", "link"), ("force", "force"))
    parameters = [(key, "1") for key, name in wanted if options.on(name)]

    def remove(name: str) -> None:
        name = name.strip("/")
        if not name:
            raise Failure("Container name cannot be empty")
        call.engine.delete(f"/containers/{quote(name)}", parameters)

    return call.each(remove, forgiving=options.on("force"))


COMMAND = Command(
    _run,
    "Remove one or more containers",
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
