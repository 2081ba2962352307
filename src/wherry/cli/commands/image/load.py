"""`wherry load`: images from a tar archive."""

from __future__ import annotations

import sys

from wherry.cli import archives, flags, platforms, progress
from wherry.cli.command import Command, Invocation
from wherry.cli.failure import Failure


def _run(call: Invocation) -> int:
    options = call.options
    path = options.text("input")
    if not path and sys.stdin.isatty():
        raise Failure("requested load from stdin, but stdin is empty")
    send(call, archives.source(path), platform=options.text("platform"), quiet=options.on("quiet"))
    return 0


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def send(call: Invocation, archive: Iterator[bytes], *, platform: str = "", quiet: bool = False) -> None:
    """Give an archive to the engine and show what it found."""
    quiet = quiet or not sys.stdout.isatty()
    parameters = [("quiet", "1" if quiet else "0"), *platforms.parameter(platform)]
    headers = {"Content-Type": "application/x-tar"}
    answer = call.engine.request("POST", "/images/load", parameters, body=archive, headers=headers)
    progress.show(answer.lines())


COMMAND = Command(
    _run,
    "Read images from a tar archive or from standard input",
    "[OPTIONS]",
    flags=(
        flags.text("input", "i", "File to read instead of standard input"),
        flags.text("platform", "", "Only this platform (linux/amd64)"),
        flags.switch("quiet", "q", "Show only what was loaded"),
    ),
    examples=("load -i busybox.tar", "load < busybox.tar"),
)
