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


def target(path: str) -> str:
    """`path` if it can be written, "" for standard output, which must not be a terminal. Raises Failure."""
    if not path:
        if sys.stdout.isatty():
            raise Failure("cowardly refusing to save to a terminal. Use the -o flag or redirect")
        return ""
    directory = os.path.dirname(path) or "."
    if not os.path.isdir(directory):
        raise Failure(f'failed to save image: invalid output path: directory "{directory}" does not exist')
    return path


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
