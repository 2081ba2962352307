"""`wherry run`: create a container, start it, and be its terminal.

The order matters: attach before start, or the first words are lost; ask for the exit code before start, or a short
life is missed.
"""

from __future__ import annotations

from wherry.cli import terminal
from wherry.cli.command import Command, Invocation, described, warn
from wherry.cli.creation import create, request
from wherry.cli.creation.table import RUN_FLAGS
from wherry.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wherry.client.transport import Response


def _run(call: Invocation) -> int:
    options = call.options
    detach = options.on("detach")
    if detach and options.list("attach"):
        raise Failure("conflicting options: cannot specify both --attach and --detach")
    from wherry import errors

    try:
        body = request.build(options, call.arguments, detach=detach)
        if body["AttachStdin"] and body.get("Tty") and not terminal.is_terminal(0):
            raise _NoTerminal
        return _perform(call, body, detach)
    except _NoTerminal:
        raise Failure("the input device is not a TTY") from None
    except errors.Unavailable as error:
        raise create.explained(described(error), call.path, 125) from None
    except errors.WherryError as error:
        raise create.explained(described(error), call.path, exit_code(str(error))) from None
    except Failure as failure:
        raise create.explained(
            failure.message, call.path, failure.code if failure.code > 1 else exit_code(failure.message)
        ) from None


class _NoTerminal(Exception):
    pass


def exit_code(message: str) -> int:
    """126 if the program may not be executed, 127 if it is not there, 125 for every other trouble before it runs."""
    if "executable file not found" in message or "no such file or directory" in message:
        return 127
    if "system cannot find the file specified" in message:
        return 127
    return 126 if "permission denied" in message or "is a directory" in message else 125


def _perform(call: Invocation, body: dict[str, Any], detach: bool) -> int:
    from wherry.cli import session

    keys = call.options.text("detach-keys") or call.configuration.text("detachKeys")
    tty = bool(body.get("Tty"))
    identity = create.create(call, body)
    streams = session.Streams(body["AttachStdin"], body["AttachStdout"], body["AttachStderr"], tty)
    if detach:
        call.engine.post(f"/containers/{identity}/start")
        print(identity)
        return 0
    proxy = call.options.on("sig-proxy") and not tty
    with session.Session(call.engine, identity, streams, keys=keys, proxy=proxy) as joined:
        joined.attach()
        exit_answer = joined.expect_exit("removed" if body["HostConfig"].get("AutoRemove") else "next-exit")
        call.engine.post(f"/containers/{identity}/start", [("detachKeys", keys)] if keys else [])
        if not joined.stream():
            return 0
        return _status(exit_answer)


def _status(answer: Response) -> int:
    document = answer.json()
    trouble = (document.get("Error") or {}).get("Message")
    if trouble:
        warn(f"Error waiting for container: {trouble}")
        return 125
    return int(document["StatusCode"])


COMMAND = Command(
    _run,
    "Create a container, start it, and be its terminal",
    "[OPTIONS] IMAGE [COMMAND] [ARG...]",
    least=1,
    most=None,
    flags=RUN_FLAGS,
    interspersed=False,
    examples=("run --rm -it busybox sh", "run -d --name web -p 8080:80 nginx"),
)
