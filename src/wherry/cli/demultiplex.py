"""Two streams out of one: the frames in which an engine sends standard output and standard error together.

Knows the 8-byte frame header and the two file descriptors. Must not know where the bytes come from.
Section "Attach" of the Engine API document describes the frames.
"""

from __future__ import annotations

import os

from wherry.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_HEADER = 8
_ERROR = 3


def is_framed(content_type: str) -> bool:
    return content_type.startswith("application/vnd.docker.multiplexed-stream")


def copy(chunks: Iterable[bytes], *, framed: bool) -> None:
    """Write everything to standard output, and framed standard error to standard error.

    Raises Failure for an error frame.
    """
    if not framed:
        for chunk in chunks:
            write_all(1, chunk)
        return
    frames = Frames()
    for chunk in chunks:
        frames.feed(chunk)


class Frames:
    """Takes bytes as they come and writes whatever they complete; `output` and `errors` are file descriptors."""

    def __init__(self, output: int = 1, errors: int = 2) -> None:
        self._targets = (output, output, errors)
        self._rest = b""
        self._left = 0
        self._stream = 0

    def feed(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
            self._rest = b""
        position, end = 0, len(data)
        pieces: list[bytes] = []
        target = self._targets[self._stream] if self._stream < _ERROR else 1
        while position < end:
            if not self._left:
                if end - position < _HEADER:
                    self._rest = data[position:]
                    break
                stream = data[position]
                self._left = int.from_bytes(data[position + 4 : position + _HEADER], "big")
                position += _HEADER
                self._stream = stream
                following = self._targets[stream] if stream < _ERROR else target
                if following != target:
                    write_all(target, b"".join(pieces))
                    pieces, target = [], following
                continue
            piece = data[position : position + self._left]
            position += len(piece)
            self._left -= len(piece)
            if self._stream >= _ERROR:
                write_all(target, b"".join(pieces))
                raise Failure("Error response from daemon: " + piece.decode("utf-8", "replace").strip())
            pieces.append(piece)
        write_all(target, b"".join(pieces))


def write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            import select

            select.select((), (descriptor,), ())
