"""An exec as `GET /exec/{id}/json` shows it."""

from __future__ import annotations

from typing import Any

from wherry.engine.exec import Exec
from wherry.engine.wire import flag, text


def inspect(exec_: Exec) -> dict[str, Any]:
    """`ExitCode` is null until the process has ended, `Pid` is 0 unless it runs."""
    config = exec_.config
    process: dict[str, Any] = {
        "tty": exec_.terminal,
        "entrypoint": exec_.command[0] if exec_.command else "",
        "arguments": exec_.command[1:],
        "privileged": flag(config.privileged),
    }
    if user := text(config.user):
        process["user"] = user
    return {
        "ID": exec_.id,
        "Running": exec_.running,
        "ExitCode": exec_.exit_code,
        "ProcessConfig": process,
        "OpenStdin": flag(config.attach_stdin),
        "OpenStderr": flag(config.attach_stderr),
        "OpenStdout": flag(config.attach_stdout),
        "CanRemove": False,
        "ContainerID": exec_.container.record.id,
        "DetachKeys": text(config.detach_keys),
        "Pid": exec_.pid,
    }
