"""`wherry import`: an image from the archive of a file system."""

from __future__ import annotations

from wherry.cli import archives, flags, progress
from wherry.cli.command import Command, Invocation


def _run(call: Invocation) -> int:
    options = call.options
    source = call.arguments[0]
    local = source == "-" or "://" not in source
    parameters = [("fromSrc", "-" if local else source)]
    if len(call.arguments) > 1:
        parameters.append(("repo", call.arguments[1]))
    if options.text("message"):
        parameters.append(("message", options.text("message")))
    parameters += [("changes", change) for change in options.list("change")]
    if options.text("platform"):
        parameters.append(("platform", options.text("platform")))
    archive = archives.source("" if source == "-" else source) if local else None
    headers = {"Content-Type": "text/plain"}
    progress.show(call.engine.request("POST", "/images/create", parameters, body=archive, headers=headers).lines())
    return 0


COMMAND = Command(
    _run,
    "Make an image from the archive of a file system",
    "[OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
    least=1,
    most=None,
    flags=(
        flags.several("change", "c", "Dockerfile instruction to apply to the image's configuration"),
        flags.text("message", "m", "Why the image was made"),
        flags.text("platform", "", "Platform of the image (linux/amd64)"),
    ),
    examples=("import root.tar mine:1", "export web | wherry import - web:flat"),
)
