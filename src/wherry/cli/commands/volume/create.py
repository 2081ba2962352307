"""`wherry volume create`."""

from __future__ import annotations

from wherry.cli import flags
from wherry.cli.command import Command, Invocation
from wherry.cli.creation import checks
from wherry.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _run(call: Invocation) -> int:
    options = call.options
    name = options.text("name")
    if call.arguments:
        if name:
            raise Failure(
                "conflicting options: cannot specify a volume-name through both --name and as a positional arg"
            )
        name = call.arguments[0]
    body: dict[str, Any] = {"Driver": options.text("driver")}
    if name:
        body["Name"] = name
    for key, flag in (("DriverOpts", "opt"), ("Labels", "label")):
        if options.list(flag):
            body[key] = {option: value for option, _, value in (word.partition("=") for word in options.list(flag))}
    print(call.engine.post("/volumes/create", json=body)["Name"])
    return 0


COMMAND = Command(
    _run,
    "Create a volume",
    "[OPTIONS] [VOLUME]",
    most=1,
    flags=(
        flags.text("driver", "d", "Driver of the volume", default="local"),
        flags.several("label", "", "Set a label (KEY=VALUE)", read=checks.label),
        flags.text("name", "", "Name of the volume", hidden=True),
        flags.several("opt", "o", "Option of the driver (KEY=VALUE)", kind="map"),
    ),
    examples=("volume create data", "volume create -o type=tmpfs -o device=tmpfs -o o=size=10m fast"),
)
