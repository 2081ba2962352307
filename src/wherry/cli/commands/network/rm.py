"""`wherry network rm`: remove networks."""

from __future__ import annotations

from wherry.cli import flags
from wherry.cli.command import Command, Invocation
from wherry.client.transport import EngineError, quote


def _run(call: Invocation) -> int:
    def remove(name: str) -> None:
        try:
            call.engine.delete(f"/networks/{quote(name)}")
        except EngineError as error:
            if error.status != 404 or not call.options.on("force"):
                raise
        else:
            print(name)

    return call.each(remove, say=False)


COMMAND = Command(
    _run,
    "Remove networks",
    "NETWORK [NETWORK...]",
    least=1,
    most=None,
    flags=(flags.switch("force", "f", "Do not complain about a network that is not there"),),
    examples=("network rm back",),
)
