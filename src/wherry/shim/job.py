"""What a shim is told when it is made."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Job:
    """One run of one container.

    `run` and `delete` are command lines of an OCI runtime, executed in `bundle`; `run` must return once the process
    has started and leave its pid in the file `pid` there, and send a terminal to the socket `tty.sock` there.
    `log` is None or the keyword arguments of LogFile with its `path`. `size` is rows and columns of the terminal.
    """

    def __init__(
        self,
        *,
        id: str,
        bundle: str,
        run: list[str],
        delete: list[str],
        runtime_log: str,
        exit_path: str,
        terminal: bool = False,
        stdin: bool = False,
        stdin_once: bool = False,
        size: list[int] | None = None,
        log: dict[str, Any] | None = None,
        start: list[str] | None = None,
        kill_all: bool = False,
    ) -> None:
        """`start` is a second command, which lets go of a process that `run` has only prepared.

        `kill_all`: the process shares its pid namespace, so its end does not end its children."""
        self.id = id
        self.bundle = bundle
        self.run = run
        self.delete = delete
        self.runtime_log = runtime_log
        self.exit_path = exit_path
        self.terminal = terminal
        self.stdin = stdin
        self.stdin_once = stdin_once
        self.size = size
        self.log = log
        self.start = start
        self.kill_all = kill_all
