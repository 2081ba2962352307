"""`wherry inspect`: any object by name or ID."""

from __future__ import annotations

from wherry.cli import flags, inspection
from wherry.cli.command import Command, Invocation
from wherry.cli.failure import Failure
from wherry.client.transport import EngineError, quote

_PATHS = {
    "container": "/containers/{}/json",
    "image": "/images/{}/json",
    "network": "/networks/{}",
    "volume": "/volumes/{}",
    "service": "/services/{}",
    "task": "/tasks/{}",
    "node": "/nodes/{}",
    "plugin": "/plugins/{}/json",
    "secret": "/secrets/{}",
    "config": "/configs/{}",
}
_GUESSED = ("container", "image", "network", "volume", "plugin")
_NOT_HERE = (404, 501, 503)


def _run(call: Invocation) -> int:
    kind = call.options.text("type")
    if call.options.given("type"):
        if not kind:
            raise Failure('type is empty: must be one of "' + '", "'.join(sorted(_PATHS)) + '"')
        if kind not in _PATHS:
            raise Failure(f'unknown type: "{kind}": must be one of "' + '", "'.join(sorted(_PATHS)) + '"')
    return inspection.show(call.arguments, call.options.text("format"), lambda name: _find(call, name, kind))


def _find(call: Invocation, name: str, kind: str) -> bytes:
    size = [("size", "1")] if call.options.on("size") else []
    for guess in (kind,) if kind else _GUESSED:
        parameters = size if guess == "container" else []
        try:
            return call.engine.request("GET", _PATHS[guess].format(quote(name)), parameters).read()
        except EngineError as error:
            if kind or error.status not in _NOT_HERE:
                raise
    raise Failure(f"Error: No such object: {name}")


COMMAND = Command(
    _run,
    "Show objects of any kind in full",
    "[OPTIONS] NAME|ID [NAME|ID...]",
    least=1,
    most=None,
    flags=(
        flags.output_format(table=False),
        flags.switch("size", "s", "Show how much a container has written"),
        flags.text("type", "", "Kind of the object, if a name stands for several"),
    ),
    examples=("inspect web", "inspect -f '{{.State.Status}}' web"),
)
