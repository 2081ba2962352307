"""Reading and writing the small files of a control group.

Knows their text forms: one number, lines of pairs, a list of processes. Must not know what the files mean. A file that
is not there reads as nothing: its controller is off, or the group has gone away in the meantime (ENODEV).
"""

from __future__ import annotations

import errno
import os

_GONE = (errno.ENOENT, errno.ENODEV)


def read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError as error:
        if error.errno in _GONE:
            return ""
        raise


def write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def number(path: str) -> int | None:
    """The number in the file; None for "max" and for no file."""
    text = read(path).strip()
    return None if text in ("", "max") else int(text)


def pairs(path: str) -> dict[str, int]:
    """Lines of a name and a number. Lines of another form are left out."""
    fields = (line.split() for line in read(path).splitlines())
    return {pair[0]: int(pair[1]) for pair in fields if len(pair) == 2 and pair[1].isdigit()}


def numbers(path: str) -> list[int]:
    return [int(word) for word in read(path).split()]


def pids_below(directory: str) -> list[int]:
    """The processes of the group in `directory` and of those below it."""
    found: list[int] = []
    for parent, _, _ in os.walk(directory):
        found += numbers(f"{parent}/cgroup.procs")
    return found


def remove_below(directory: str) -> None:
    """Remove the group in `directory` and those below it, deepest first; nothing happens if it is absent."""
    for parent, _, _ in os.walk(directory, topdown=False):
        try:
            os.rmdir(parent)
        except FileNotFoundError:
            continue
