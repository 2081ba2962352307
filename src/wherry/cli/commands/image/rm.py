"""`wherry rmi`, `wherry image rm`: remove images."""

from __future__ import annotations

from wherry.cli import flags, platforms
from wherry.cli.command import Command, Invocation
from wherry.client import jsontext
from wherry.client.transport import quote


def _run(call: Invocation) -> int:
    options = call.options
    parameters = [("force", "1")] if options.on("force") else []
    parameters += [("noprune", "1")] if options.on("no-prune") else []
    chosen = [platforms.parameter(platform)[0][1] for platform in options.list("platform")]
    if chosen:
        parameters.append(("platforms", jsontext.encode(chosen)))

    def remove(name: str) -> None:
        for step in call.engine.delete(f"/images/{quote(name)}", parameters) or ():
            print(f"Deleted: {step['Deleted']}" if step.get("Deleted") else f"Untagged: {step['Untagged']}")

    return call.each(remove, say=False, forgiving=options.on("force"))


COMMAND = Command(
    _run,
    "Remove images",
    "[OPTIONS] IMAGE [IMAGE...]",
    least=1,
    most=None,
    flags=(
        flags.switch("force", "f", "Remove an image that has other names or stopped containers too"),
        flags.switch("no-prune", "", "Keep parents without a name"),
        flags.several("platform", "", "Remove only this platform of the image", kind="strings"),
    ),
    examples=("rmi busybox", "rmi $(wherry images -q --filter dangling=true)"),
)
