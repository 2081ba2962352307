"""How pulls, pushes, loads and imports are shown while they run.

Knows the engine's progress stream: one JSON object a line, an `id` for each thing that moves. Must not know what
moves. On a terminal each id has a line of its own that is redrawn; elsewhere only what has happened is printed.
"""

from __future__ import annotations

import os

from wherry.cli import units
from wherry.cli.demultiplex import write_all
from wherry.cli.failure import Failure
from wherry.client import jsontext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

_BAR = 50


def show(
    lines: Iterable[bytes], descriptor: int = 1, *, quiet: bool = False, on_aux: Callable[[Any], None] | None = None
) -> None:
    """Draw the stream on a file descriptor until it ends. Raises Failure for the error it reports."""
    display = _Display(descriptor)
    for line in lines:
        message = jsontext.decode(line)
        if error := message.get("errorDetail") or message.get("error"):
            text = error if isinstance(error, str) else error.get("message", "")
            raise Failure(text or message.get("error", ""))
        if (aux := message.get("aux")) is not None:
            if on_aux is not None:
                on_aux(aux)
            continue
        if not quiet:
            display.take(message)


class _Display:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._terminal = os.isatty(descriptor)
        self._rows: dict[str, int] = {}

    def take(self, message: dict[str, Any]) -> None:
        identity = message.get("id") or ""
        bar = _progress(message, self._width())
        if not self._terminal:
            if not bar:
                self._write(_text(message, ""))
            return
        if not identity or "progressDetail" not in message:
            self._rows.clear()
            self._write(_text(message, bar))
            return
        row = self._rows.get(identity)
        if row is None:
            self._rows[identity] = len(self._rows)
            self._write(_text(message, bar))
            return
        up = len(self._rows) - row
        self._write(f"\x1b[{up}A\r\x1b[2K{_text(message, bar).rstrip(chr(10))}\r\x1b[{up}B")

    def _width(self) -> int:
        if not self._terminal:
            return 80
        return os.get_terminal_size(self._descriptor).columns

    def _write(self, text: str) -> None:
        write_all(self._descriptor, text.encode("utf-8", "surrogateescape"))


def _text(message: dict[str, Any], bar: str) -> str:
    if "stream" in message:
        return str(message["stream"])
    moment = _moment(message)
    identity = f"{message['id']}: " if message.get("id") else ""
    source = f"(from {message['from']}) " if message.get("from") else ""
    return f"{moment}{identity}{source}{message.get('status', '')}{' ' + bar if bar else ''}\n"


def _moment(message: dict[str, Any]) -> str:
    seconds = message.get("time")
    return units.rfc3339(int(seconds)) + " " if seconds else ""


def _progress(message: dict[str, Any], width: int) -> str:
    """The bar and the numbers of a message, "" if it has none."""
    detail = message.get("progressDetail") or {}
    current, total = detail.get("current") or 0, detail.get("total") or 0
    if not current and not total:
        return str(message.get("progress") or "")
    if not total:
        return f"{units.decimal_size(current)}" if not detail.get("units") else f"{current} {detail['units']}"
    bar = ""
    if width > 110:
        done = min(_BAR, int(current / total * 100) // 2)
        bar = "[" + "=" * done + ">" + " " * max(0, _BAR - 1 - done) + "] " if done < _BAR else "[" + "=" * _BAR + ">] "
    if detail.get("hidecounts"):
        return bar
    if detail.get("units"):
        return f"{bar}{current}/{total} {detail['units']}"
    numbers = f"{units.decimal_size(current)}/{units.decimal_size(total)}"
    return f"{bar}{numbers}" if current <= total else f"{bar}{units.decimal_size(current)}"
