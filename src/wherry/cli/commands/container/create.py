"""`wherry create`: make a container without starting it."""

from __future__ import annotations

from wherry.cli.command import Command, Invocation
from wherry.cli.creation import create, request
from wherry.cli.creation.table import FLAGS
from wherry.cli.failure import Failure


def _run(call: Invocation) -> int:
    try:
        body = request.build(call.options, call.arguments)
    except Failure as failure:
        raise create.explained(failure.message, call.path, 125) from None
    print(create.create(call, body))
    return 0


COMMAND = Command(
    _run,
    "Create a container without starting it",
    "[OPTIONS] IMAGE [COMMAND] [ARG...]",
    least=1,
    most=None,
    flags=FLAGS,
    interspersed=False,
    examples=("create --name web -p 8080:80 nginx", "start -a web"),
)
