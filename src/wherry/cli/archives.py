"""Archives on their way between an engine and a file.

Knows files and standard streams. Must not know what an archive holds.
"""

from __future__ import annotations

import os
import sys

from wherry.cli.demultiplex import write_all
from wherry.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from wherry.client.transport import Response

_PIECE = 1 << 20


def target(path: str, *, what: str) -> str:
    """`path` if it can be written, "" for standard output, which must not be a terminal.

    Raises Failure, which begins with `what`.
    """
    if not path:
        if sys.stdout.isatty():
            raise Failure("cowardly refusing to save to a terminal. Use the -o flag or redirect")
        return ""
    directory = os.path.dirname(path)
    if directory and not os.path.isdir(directory):
        reason = "not a directory" if os.path.exists(directory) else "no such file or directory"
        raise Failure(f"{what}: invalid output path: stat {directory}: {reason}")
    return path


def source(path: str) -> Iterator[bytes]:
    """The content of a file, "" for standard input. Raises Failure."""
    if not path:
        return pieces(0)
    try:
        return pieces(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        raise Failure(f"open {path}: {(error.strerror or '').lower()}") from None


def receive(answer: Response, path: str) -> None:
    """Write the body to `path`, whole or not at all, or to standard output."""
    if not path:
        sys.stdout.flush()
        for chunk in answer.chunks():
            write_all(1, chunk)
        return
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "wb") as file:
            file.writelines(answer.chunks())
        return
    temporary = f"{path}.{os.getpid()}.partial"
    try:
        with open(temporary, "wb") as file:
            file.writelines(answer.chunks())
        os.replace(temporary, path)
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from None
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def pieces(descriptor: int) -> Iterator[bytes]:
    """What can be read from a file descriptor, until its end."""
    while data := os.read(descriptor, _PIECE):
        yield data
