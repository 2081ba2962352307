"""Flags: a table per command, and the parser that reads a command line by it.

Knows the spelling rules of GNU-style flags as Go's pflag has them (clusters of letters, `-p80`, `--name=value`, `--`)
and its messages. Must not know any command. help is drawn from the same tables, in wherry.cli.help_page.
"""

from __future__ import annotations

from wherry.cli.failure import FlagError, HelpAsked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    Reader = Callable[[str], Any]


class Flag:
    """One flag. `read` turns its text into a value or raises ValueError; a `repeated` flag collects a list.

    `kind` is the word help shows for the value, "" for a flag without one. `hidden` flags are accepted, not shown.
    """

    __slots__ = ("default", "help", "hidden", "kind", "letter", "name", "read", "repeated", "shown_default")

    def __init__(
        self,
        name: str,
        letter: str,
        help: str,
        kind: str,
        read: Reader,
        default: Any,
        *,
        repeated: bool = False,
        hidden: bool = False,
        shown_default: str = "",
    ) -> None:
        self.name = name
        self.letter = letter
        self.help = help
        self.kind = kind
        self.read = read
        self.default = default
        self.repeated = repeated
        self.hidden = hidden
        self.shown_default = shown_default

    @property
    def spelling(self) -> str:
        return f"-{self.letter}, --{self.name}" if self.letter else f"--{self.name}"


def switch(name: str, letter: str, help: str, *, default: bool = False, hidden: bool = False) -> Flag:
    return Flag(name, letter, help, "", truth, default, hidden=hidden, shown_default="true" if default else "")


def text(name: str, letter: str, help: str, *, default: str = "", kind: str = "string", hidden: bool = False) -> Flag:
    return Flag(name, letter, help, kind, str, default, hidden=hidden, shown_default=f'"{default}"' if default else "")


def number(name: str, letter: str, help: str, *, default: int = 0, kind: str = "int", hidden: bool = False) -> Flag:
    shown = str(default) if default else ""
    return Flag(name, letter, help, kind, integer, default, hidden=hidden, shown_default=shown)


def value(
    name: str, letter: str, help: str, kind: str, read: Reader, *, default: Any = None, shown_default: str = ""
) -> Flag:
    """A flag with a reader of its own; None when not given."""
    return Flag(name, letter, help, kind, read, default, shown_default=shown_default)


def several(
    name: str,
    letter: str,
    help: str,
    *,
    kind: str = "list",
    read: Reader = str,
    shown_default: str = "",
    hidden: bool = False,
) -> Flag:
    """A flag that may be given many times: a list in the order given."""
    return Flag(name, letter, help, kind, read, (), repeated=True, shown_default=shown_default, hidden=hidden)


def filters() -> Flag:
    return several("filter", "f", "Only what matches KEY=VALUE", kind="filter", read=key_value)


def output_format(*, table: bool = True) -> Flag:
    shapes = "'table', 'table TEMPLATE', " if table else ""
    letter = "" if table else "f"
    return text("format", letter, f"Form of the output: {shapes}'json' or a Go TEMPLATE")


_TRUE = frozenset(("1", "t", "T", "TRUE", "true", "True"))
_FALSE = frozenset(("0", "f", "F", "FALSE", "false", "False"))
_HIGHEST = 1 << 63


def truth(word: str) -> bool:
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError(f'strconv.ParseBool: parsing "{word}": invalid syntax')


def integer(word: str) -> int:
    """Decimal, or with a prefix 0x, 0o, 0b or 0."""
    digits = word.lstrip("+-")
    octal = len(digits) > 1 and digits.isdigit() and digits[0] == "0"
    try:
        number = int(word if word == word.strip() else "", 8 if octal else 0)
    except ValueError:
        raise ValueError(f'strconv.ParseInt: parsing "{word}": invalid syntax') from None
    if not -_HIGHEST <= number < _HIGHEST:
        raise ValueError(f'strconv.ParseInt: parsing "{word}": value out of range')
    return number


def key_value(word: str) -> tuple[str, str]:
    """A filter, `key=value`; the key in lower case."""
    key, separator, rest = word.partition("=")
    if not separator:
        raise ValueError("bad format of filter (expected name=value)")
    return key.strip().lower(), rest.strip()


class Options:
    """The values of a command line's flags, by long name."""

    __slots__ = ("_given", "_values")

    def __init__(self, defaults: dict[str, Any]) -> None:
        self._values = defaults
        self._given: set[str] = set()

    def set(self, flag: Flag, word: str) -> None:
        """Read `word` as the value of `flag`. Raises FlagError."""
        try:
            read = flag.read(word)
        except ValueError as error:
            raise FlagError(f'invalid argument "{word}" for "{flag.spelling}" flag: {error}') from None
        if flag.repeated:
            self._values[flag.name] = [*self._values[flag.name], read]
        else:
            self._values[flag.name] = read
        self._given.add(flag.name)

    def given(self, name: str) -> bool:
        return name in self._given

    def on(self, name: str) -> bool:
        return bool(self._values[name])

    def text(self, name: str) -> str:
        return str(self._values[name])

    def number(self, name: str) -> int:
        return int(self._values[name])

    def list(self, name: str) -> list[Any]:
        return list(self._values[name])

    def value(self, name: str) -> Any:
        return self._values[name]


def parse(table: Sequence[Flag], words: Sequence[str], *, interspersed: bool = True) -> tuple[Options, list[str]]:
    """Split a command line into flags and arguments.

    Without `interspersed` the first argument ends the flags, so that `run image ls -l` keeps its -l.
    Raises FlagError and HelpAsked.
    """
    options = Options({flag.name: flag.default for flag in table})
    arguments: list[str] = []
    pending = list(reversed(words))
    while pending:
        word = pending.pop()
        if word == "--":
            arguments += reversed(pending)
            break
        if len(word) < 2 or word[0] != "-":
            arguments.append(word)
            if not interspersed:
                arguments += reversed(pending)
                break
        elif word[1] == "-":
            _long(table, options, word, pending)
        else:
            _letters(table, options, word, pending)
    return options, arguments


def _long(table: Sequence[Flag], options: Options, word: str, pending: list[str]) -> None:
    name, separator, given = word[2:].partition("=")
    if not name or name[0] == "-":
        raise FlagError(f"bad flag syntax: {word}")
    flag = next((flag for flag in table if flag.name == name), None)
    if flag is None:
        if name == "help":
            raise HelpAsked
        raise FlagError(f"unknown flag: --{name}")
    if separator:
        options.set(flag, given)
    elif not flag.kind:
        options.set(flag, "true")
    elif pending:
        options.set(flag, pending.pop())
    else:
        raise FlagError(f"flag needs an argument: --{name}")


def _letters(table: Sequence[Flag], options: Options, word: str, pending: list[str]) -> None:
    letters = word[1:]
    while letters:
        letter, rest = letters[0], letters[1:]
        flag = next((flag for flag in table if flag.letter == letter), None)
        if flag is None:
            if letter == "h":
                raise HelpAsked(deprecated=True)
            raise FlagError(f"unknown shorthand flag: '{letter}' in -{letters}")
        if rest.startswith("="):
            options.set(flag, rest[1:])
            return
        if not flag.kind:
            options.set(flag, "true")
            letters = rest
            continue
        if rest:
            options.set(flag, rest)
        elif pending:
            options.set(flag, pending.pop())
        else:
            raise FlagError(f"flag needs an argument: '{letter}' in -{letters}")
        return
