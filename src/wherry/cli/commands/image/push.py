"""`wherry push`: send an image to a registry."""

from __future__ import annotations

from wherry.cli import credentials, flags, platforms, progress, references
from wherry.cli.command import Command, Invocation
from wherry.cli.failure import Failure
from wherry.client.transport import quote


def _run(call: Invocation) -> int:
    options = call.options
    _, tag = references.name_and_tag(call.arguments[0])
    if tag and options.on("all-tags"):
        raise Failure("tag can't be used with --all-tags/-a")
    name, _ = references.target(call.arguments[0])
    if not tag and not options.on("all-tags"):
        tag = "latest"
        if not options.on("quiet"):
            print(f"Using default tag: {tag}", flush=True)
    parameters = ([("tag", tag)] if tag else []) + platforms.parameter(options.text("platform"))
    headers = credentials.header(call.configuration, name)
    answer = call.engine.request("POST", f"/images/{quote(name)}/push", parameters, headers=headers)
    progress.show(answer.lines(), quiet=options.on("quiet"))
    if options.on("quiet"):
        print(f"{name}:{tag}" if tag else name)
    return 0


COMMAND = Command(
    _run,
    "Send an image to a registry",
    "[OPTIONS] NAME[:TAG]",
    least=1,
    most=1,
    flags=(
        flags.switch("all-tags", "a", "Send every tag of the repository"),
        flags.switch("disable-content-trust", "", "Do not sign", default=True, hidden=True),
        flags.text("platform", "", "Send this platform only (linux/amd64)"),
        flags.switch("quiet", "q", "Print the image's name only"),
    ),
    examples=("push registry.example.org/web:2",),
)
