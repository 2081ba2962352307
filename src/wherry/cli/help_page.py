"""The --help page of a command, and what is printed for a command line that cannot be read.

Knows the layout of Docker's pages. Must not know any command: everything comes from its table.
"""

from __future__ import annotations

import os
import sys

from wherry.cli import main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherry.cli.command import Command
    from wherry.cli.flags import Flag

_GAP = 3
_NARROWEST = 24
_SLACK = 5


def show(path: str, command: Command, *, deprecated: bool = False) -> int:
    """Print the page of a command that was called as `path`."""
    if deprecated:
        sys.stderr.write("Flag shorthand -h has been deprecated, use --help\n")
    parts = [usage(path, command), command.summary]
    names = aliases(path)
    if len(names) > 1:
        parts.append("Aliases:\n  " + ", ".join(names))
    if command.examples:
        parts.append("Examples:\n" + "\n".join(f"  wherry {example}" for example in command.examples))
    visible = [flag for flag in command.flags if not flag.hidden]
    if visible:
        parts.append("Options:\n" + flag_lines(visible, page_width()))
    print("\n\n".join(parts))
    return 0


def usage(path: str, command: Command) -> str:
    """The `Usage:` lines."""
    return "Usage:  " + "\n\t".join(f"wherry {path} {line}".rstrip() for line in command.usage.split("\n"))


def flag_error(path: str, command: Command, message: str) -> int:
    sys.stderr.write(f"{message}\n\n{usage(path, command)}\n\nRun 'wherry {path} --help' for more information\n")
    return 125


def arity_error(path: str, command: Command, count: int) -> int:
    see = "See" if command.most is None else "Run"
    sys.stderr.write(
        f"wherry: 'wherry {path}' {command.complaint(count)}\n\n{usage(path, command)}\n\n"
        f"{see} 'wherry {path} --help' for more information\n"
    )
    return 1


def aliases(path: str) -> list[str]:
    """All names of the command called `path`, longest forms first."""
    words = path.split(" ")
    module = main.TOP[path] if len(words) == 1 else main.GROUPS[words[0]][words[1]]
    found = [
        f"wherry {group} {name}"
        for group, table in main.GROUPS.items()
        for name, other in table.items()
        if other == module
    ]
    return found + [f"wherry {name}" for name, other in main.TOP.items() if other == module]


def page_width() -> int:
    """The width of the terminal, 80 where there is none."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def flag_lines(table: Sequence[Flag], width: int) -> str:
    """The flags sorted by name, one a line, their explanations in a column of their own."""
    rows = []
    for flag in sorted(table, key=lambda flag: flag.name):
        name = f"  -{flag.letter}, --{flag.name}" if flag.letter else f"      --{flag.name}"
        explained = f"{flag.help} (default {flag.shown_default})" if flag.shown_default else flag.help
        rows.append((f"{name} {flag.kind}".rstrip(), explained))
    column = max(len(name) for name, _ in rows) + _GAP
    return "\n".join(f"{name:<{column}}{folded(explained, column, width - 1)}" for name, explained in rows)


def folded(words: str, column: int, width: int) -> str:
    """Break a text at spaces so that its lines end before `width` when they start at `column`."""
    room = width - column
    if room < _NARROWEST:
        return words
    lines: list[str] = []
    while len(words) > room:
        cut = words.rfind(" ", 0, room - _SLACK)
        if cut <= 0:
            break
        lines.append(words[:cut])
        words = words[cut + 1 :]
    return ("\n" + " " * column).join([*lines, words])
