"""`wherry start`: start containers, or one and be its terminal."""

from __future__ import annotations

import sys

from wherry import errors
from wherry.cli import flags
from wherry.cli.command import Command, Invocation, described, warn
from wherry.cli.failure import Failure
from wherry.client.transport import quote


def _run(call: Invocation) -> int:
    options = call.options
    if options.on("attach") or options.on("interactive"):
        if len(call.arguments) > 1:
            raise Failure("you cannot start and attach multiple containers at once")
        return _attached(call, call.arguments[0])
    failed: list[str] = []
    for name in call.arguments:
        try:
            call.engine.post(f"/containers/{quote(name)}/start", _parameters(call))
        except errors.Unavailable:
            raise
        except errors.WherryError as error:
            warn(described(error))
            failed.append(name)
        else:
            sys.stdout.write(name + "\n")
    if failed:
        raise Failure(f"Error: failed to start containers: {', '.join(failed)}")
    return 0


def _parameters(call: Invocation) -> list[tuple[str, str]]:
    wanted = (("checkpoint", "checkpoint"), ("checkpoint-dir", "checkpoint-dir"))
    return [(key, call.options.text(name)) for key, name in wanted if call.options.text(name)]


def _attached(call: Invocation, name: str) -> int:
    from wherry.cli import session

    options = call.options
    document = call.engine.get(f"/containers/{quote(name)}/json")
    identity, config = document["Id"], document["Config"]
    tty = bool(config.get("Tty"))
    keys = options.text("detach-keys") or call.configuration.text("detachKeys")
    stdin = options.on("interactive") and bool(config.get("OpenStdin"))
    streams = session.Streams(stdin, True, True, tty)
    proxy = options.on("sig-proxy") and not tty
    with session.Session(call.engine, identity, streams, keys=keys, proxy=proxy) as joined:
        joined.attach()
        removed = (document.get("HostConfig") or {}).get("AutoRemove")
        exit_answer = joined.expect_exit("removed" if removed else "next-exit")
        call.engine.post(f"/containers/{identity}/start", _parameters(call))
        if not joined.stream():
            return 0
        return int(exit_answer.json()["StatusCode"])


COMMAND = Command(
    _run,
    "Start stopped containers",
    "[OPTIONS] CONTAINER [CONTAINER...]",
    least=1,
    most=None,
    flags=(
        flags.switch("attach", "a", "Show what it writes and pass signals on"),
        flags.text("checkpoint", "", "Checkpoint to go on from", hidden=True),
        flags.text("checkpoint-dir", "", "Directory of the checkpoint", hidden=True),
        flags.text("detach-keys", "", "Keys that detach from the container"),
        flags.switch("interactive", "i", "Join standard input"),
        flags.switch("sig-proxy", "", "Pass signals on to the container", default=True, hidden=True),
    ),
    examples=("start web", "start -ai shell"),
)
