"""`wherry create`: make a container without starting it."""

from __future__ import annotations

from wherry.cli.command import Command, Invocation
from wherry.cli.creation import create, request
from wherry.cli.creation.table import FLAGS


def _run(call: Invocation) -> int:
    body = request.build(call.options, call.arguments)
    print(create.create(call, body))
    return 0


COMMAND = Command(
    _run,
    "Create a new container",
    "[OPTIONS] IMAGE [COMMAND] [ARG...]",
    least=1,
    most=None,
    flags=FLAGS,
    interspersed=False,
    examples=("create --name web -p 8080:80 nginx", "start -a web"),
)
