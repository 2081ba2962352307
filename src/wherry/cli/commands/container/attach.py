"""`wherry attach`: join the streams of a container that runs."""

from __future__ import annotations

from wherry.cli import flags, session, terminal
from wherry.cli.command import Command, Invocation
from wherry.cli.failure import Failure
from wherry.client.transport import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _run(call: Invocation) -> int:
    options = call.options
    name = quote(call.arguments[0])
    document = call.engine.get(f"/containers/{name}/json")
    check_running(document)
    keys = options.text("detach-keys") or call.configuration.text("detachKeys")
    config = document["Config"]
    tty = bool(config.get("Tty"))
    stdin = bool(config.get("OpenStdin")) and not options.on("no-stdin")
    if tty and stdin and not terminal.is_terminal(0):
        raise Failure("the input device is not a TTY")
    streams = session.Streams(stdin, True, True, tty)
    with session.Session(call.engine, name, streams, keys=keys, proxy=options.on("sig-proxy") and not tty) as joined:
        exit_answer = joined.expect_exit("")
        joined.attach()
        if not joined.stream():
            raise session.detached()
    answer = exit_answer.json()
    if (answer.get("Error") or {}).get("Message"):
        raise Failure(str(answer["Error"]["Message"]))
    return int(answer["StatusCode"])


def check_running(document: dict[str, Any]) -> None:
    state = document["State"]
    if not state.get("Running"):
        raise Failure("You cannot attach to a stopped container, start it first")
    if state.get("Paused"):
        raise Failure("You cannot attach to a paused container, unpause it first")
    if state.get("Restarting"):
        raise Failure("You cannot attach to a restarting container, wait until it is running")


COMMAND = Command(
    _run,
    "Join the streams of a running container",
    "[OPTIONS] CONTAINER",
    least=1,
    most=1,
    flags=(
        flags.text("detach-keys", "", "Keys that detach from the container"),
        flags.switch("no-stdin", "", "Do not join standard input"),
        flags.switch("sig-proxy", "", "Pass signals on to the container", default=True),
    ),
    examples=("attach web", "attach --no-stdin web"),
)
