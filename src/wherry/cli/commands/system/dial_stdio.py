"""`wherry system dial-stdio`: standard input and output joined to the engine's socket, for `ssh` as a transport."""

from __future__ import annotations

from wherry.cli import relay
from wherry.cli.command import Command, Invocation


def _run(call: Invocation) -> int:
    relay.Relay(call.engine.connect(), b"", framed=False, stdin=True).run()
    return 0


COMMAND = Command(_run, "Join standard input and output to the engine's socket", "")
