"""`wherry exec`: run one more program in a container."""

from __future__ import annotations

import time

from wherry.cli import flags, terminal
from wherry.cli.command import Command, Invocation
from wherry.cli.creation import checks
from wherry.cli.failure import Failure
from wherry.client.transport import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PAUSES = (0.001, 0.005, 0.02, 0.1, 0.2, 0)


def _run(call: Invocation) -> int:
    options = call.options
    container = quote(call.arguments[0])
    body = _request(call)
    detach, tty = options.on("detach"), options.on("tty")
    stdin = body["AttachStdin"]
    if tty and stdin and not detach and not terminal.is_terminal(0):
        raise Failure("the input device is not a TTY")
    identity = call.engine.post(f"/containers/{container}/exec", json=body)["Id"]
    start: dict[str, Any] = {"Detach": detach, "Tty": tty}
    if "ConsoleSize" in body:
        start["ConsoleSize"] = body["ConsoleSize"]
    if detach:
        call.engine.post(f"/exec/{identity}/start", json=start)
        return 0
    from wherry.cli import session

    streams = session.Streams(stdin, True, True, tty)
    with session.Session(call.engine, identity, streams, keys=body["DetachKeys"]) as joined:
        joined.join(f"/exec/{identity}/start", start, f"/exec/{identity}/resize")
        if not joined.stream():
            raise session.detached()
    return _exit_code(call, identity)


def _exit_code(call: Invocation, identity: str) -> int:
    """The program's exit code; its output may end a moment before the engine knows how it ended."""
    for pause in _PAUSES:
        answer = call.engine.get(f"/exec/{identity}/json")
        if not answer.get("Running"):
            break
        time.sleep(pause)
    return int(answer.get("ExitCode") or 0)


def _request(call: Invocation) -> dict[str, Any]:
    options = call.options
    environment: list[str] = []
    if options.list("env-file"):
        from wherry.cli.creation import variable_files

        for path in options.list("env-file"):
            environment += variable_files.variables(path)
    attached = not options.on("detach")
    body: dict[str, Any] = {
        "User": options.text("user"),
        "Privileged": options.on("privileged"),
        "Tty": options.on("tty"),
        "AttachStdin": attached and options.on("interactive"),
        "AttachStdout": attached,
        "AttachStderr": attached,
        "DetachKeys": options.text("detach-keys") or call.configuration.text("detachKeys"),
        "Env": environment + options.list("env"),
        "WorkingDir": options.text("workdir"),
        "Cmd": call.arguments[1:],
    }
    size = terminal.size() if options.on("tty") else None
    if size is not None:
        body["ConsoleSize"] = list(size)
    return body


COMMAND = Command(
    _run,
    "Run one more program in a container",
    "[OPTIONS] CONTAINER COMMAND [ARG...]",
    least=2,
    most=None,
    interspersed=False,
    flags=(
        flags.switch("detach", "d", "Let the program run on its own"),
        flags.text("detach-keys", "", "Keys that detach from the program"),
        flags.several(
            "env",
            "e",
            "Set an environment variable (NAME=VALUE, or NAME for the value it has here)",
            read=checks.variable,
        ),
        flags.several("env-file", "", "File of environment variables, one a line"),
        flags.switch("interactive", "i", "Join standard input"),
        flags.switch("privileged", "", "Give the program all rights"),
        flags.switch("tty", "t", "Give the program a terminal"),
        flags.text("user", "u", "User to run as (NAME|UID[:GROUP|GID])"),
        flags.text("workdir", "w", "Directory to start in"),
    ),
    examples=("exec -it web sh", "exec -u nobody web id"),
)
