"""What a shim is told when it is made. Plain JSON, since a newer daemon may have to talk to an older shim."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Job:
    """One run of one container.

    `run` and `delete` are command lines of an OCI runtime, executed in `bundle`; `run` must return once the process
    has started and leave its pid in the file `pid` there, and send a terminal to the socket `tty.sock` there.
    `log` is None or the keyword arguments of LogFile with its `path`. `size` is rows and columns of the terminal.
    """

    id: str
    bundle: str
    run: list[str]
    delete: list[str]
    runtime_log: str
    exit_path: str
    terminal: bool = False
    stdin: bool = False
    stdin_once: bool = False
    size: list[int] | None = None
    log: dict[str, Any] | None = None
    kill_all: bool = False
    """The process shares its pid namespace, so its end does not end its children: kill the rest of the cgroup."""
