"""`wherry logs`: what a container has written."""

from __future__ import annotations

from wherry.cli import demultiplex, flags, queries
from wherry.cli.command import Command, Invocation
from wherry.client.transport import quote


def _run(call: Invocation) -> int:
    options = call.options
    parameters = [("stdout", "1"), ("stderr", "1")]
    for name in ("since", "until"):
        if options.text(name):
            parameters.append((name, queries.moment(options.text(name))))
    parameters += [(name, "1") for name in ("timestamps", "details", "follow") if options.on(name)]
    parameters.append(("tail", options.text("tail")))
    answer = call.engine.request("GET", f"/containers/{quote(call.arguments[0])}/logs", parameters)
    demultiplex.copy(answer.chunks(), framed=demultiplex.is_framed(answer.headers.get("content-type", "")))
    return 0


COMMAND = Command(
    _run,
    "Show what a container has written",
    "[OPTIONS] CONTAINER",
    least=1,
    most=1,
    flags=(
        flags.switch("details", "", "Show the attributes given to the logging driver"),
        flags.switch("follow", "f", "Go on as the container writes"),
        flags.text("since", "", "Only from a moment (2013-01-02T13:23:37Z) or a duration before now (42m) on"),
        flags.text("tail", "n", "Number of lines from the end", default="all"),
        flags.switch("timestamps", "t", "Show when each line was written"),
        flags.text("until", "", "Only up to a moment or a duration before now"),
    ),
    examples=("logs -f web", "logs --since 10m --tail 100 web"),
)
