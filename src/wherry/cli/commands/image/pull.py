"""`wherry pull`: fetch an image from a registry."""

from __future__ import annotations

import os

from wherry.cli import credentials, flags, progress, references
from wherry.cli.command import Command, Invocation
from wherry.cli.failure import Failure


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
    parameters = [("fromImage", name)]
    if tag:
        parameters.append(("tag", tag))
    platform = options.text("platform") or os.environ.get("DOCKER_DEFAULT_PLATFORM", "")
    if platform:
        parameters.append(("platform", platform))
    headers = credentials.header(call.configuration, name)
    answer = call.engine.request("POST", "/images/create", parameters, headers=headers)
    progress.show(answer.lines(), quiet=options.on("quiet"))
    print(name + ("@" if ":" in tag else ":") + tag if tag else name)
    return 0


COMMAND = Command(
    _run,
    "Fetch an image from a registry",
    "[OPTIONS] NAME[:TAG|@DIGEST]",
    least=1,
    most=1,
    flags=(
        flags.switch("all-tags", "a", "Fetch every tag of the repository"),
        flags.switch("disable-content-trust", "", "Accept images that nobody signed", default=True, hidden=True),
        flags.text("platform", "", "Platform to fetch (linux/amd64)"),
        flags.switch("quiet", "q", "Print the image's name only"),
    ),
    examples=("pull busybox", "pull registry.example.org/web:2"),
)
