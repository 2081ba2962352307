"""`wherry commit`: an image from a container's changes."""

from __future__ import annotations

from wherry.cli import flags, references
from wherry.cli.command import Command, Invocation


def _run(call: Invocation) -> int:
    options = call.options
    name = call.arguments[0]
    repository, tag = references.target(call.arguments[1]) if len(call.arguments) > 1 else ("", "")
    parameters = [("container", name), ("repo", repository), ("tag", tag)]
    parameters += [("comment", options.text("message")), ("author", options.text("author"))]
    parameters += [("changes", change) for change in options.list("change")]
    if options.on("no-pause") or not options.on("pause"):
        parameters.append(("pause", "0"))
    print(call.engine.post("/commit", parameters)["Id"])
    return 0


COMMAND = Command(
    _run,
    "Make an image from a container's changes",
    "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
    least=1,
    most=2,
    flags=(
        flags.text("author", "a", "Who made the image"),
        flags.several("change", "c", "Dockerfile instruction to apply to the image's configuration"),
        flags.text("message", "m", "Why the image was made"),
        flags.switch("no-pause", "", "Let the container run meanwhile"),
        flags.switch("pause", "p", "Pause the container meanwhile", default=True, hidden=True),
    ),
    examples=("commit web web:patched", "commit -c 'CMD [\"sh\"]' web"),
)
