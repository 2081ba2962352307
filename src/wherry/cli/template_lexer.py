"""Go templates, first step: text, actions and the tokens inside an action.

Knows the lexical rules of text/template: trim markers, comments, literals. Must not know grammar or values. Written
without `re` and `dataclasses`, whose import would double the time of a `wherry ps --format`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SIMPLE_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_HEX_DIGITS = {"x": 2, "u": 4, "U": 8}


class SyntaxFault(Exception):
    """A template that makes no sense; `position` counts characters from its start."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


class Token:
    """`kind` is space, string, char, number, field, variable, word, declare, mark or end."""

    __slots__ = ("kind", "position", "text")

    def __init__(self, kind: str, text: str, position: int) -> None:
        self.kind = kind
        self.text = text
        self.position = position


def pieces(source: str) -> Iterator[tuple[bool, str, int]]:
    """The source as (is it an action?, content, position), trim markers applied and comments left out."""
    position, trim = 0, False
    while True:
        start = source.find("{{", position)
        text = source[position : start if start >= 0 else len(source)]
        text = text.lstrip() if trim else text
        if start < 0:
            yield False, text, position
            return
        inner = start + 2
        if source[inner : inner + 1] == "-" and source[inner + 1 : inner + 2].isspace():
            text = text.rstrip()
            inner += 1
        yield False, text, position
        end = _action_end(source, inner)
        content = source[inner:end]
        trim = content.endswith("-") and content[-2:-1].isspace()
        content = content[:-1] if trim else content
        if not content.lstrip().startswith("/*"):
            yield True, content, inner
        position = end + 2


def _action_end(source: str, start: int) -> int:
    position = start
    while not source.startswith("}}", position):
        if position >= len(source):
            raise SyntaxFault("unclosed action", start)
        if source.startswith("/*", position):
            position = source.find("*/", position) + 2
            if position < 2:
                raise SyntaxFault("unclosed comment", start)
        elif source[position] in "\"'`":
            position = _literal_end(source, position)
        elif source[position] == "}":
            raise SyntaxFault("bad character U+007D '}'", position)
        else:
            position += 1
    return position


def _literal_end(source: str, start: int) -> int:
    """The position after the literal that begins with the quote at `start`."""
    mark = source[start]
    position = start + 1
    while position < len(source) and (mark == "`" or source[position] != "\n"):
        if source[position] == "\\" and mark != "`":
            position += 2
            continue
        if source[position] == mark:
            return position + 1
        position += 1
    names = {
        '"': "unterminated quoted string",
        "`": "unterminated raw quoted string",
        "'": "unterminated character constant",
    }
    raise SyntaxFault(names[mark], start)


def tokens(content: str, offset: int) -> list[Token]:
    """The tokens of an action that begins at `offset` of the source; the last one is "end"."""
    found: list[Token] = []
    position = 0
    while position < len(content):
        kind, end = _token(content, position, offset)
        found.append(Token(kind, content[position:end], offset + position))
        position = end
    return [*found, Token("end", "", offset + len(content))]


def _token(content: str, start: int, offset: int) -> tuple[str, int]:
    first, second = content[start], content[start + 1 : start + 2]
    if first.isspace():
        return "space", _while(content, start, str.isspace)
    if first in "\"'`":
        return ("char" if first == "'" else "string"), _literal_end(content, start)
    if first == ":" and second == "=":
        return "declare", start + 2
    if first.isdigit() or (first in "+-" and second.isdigit()):
        return "number", _while(content, start + 1, lambda letter: letter.isalnum() or letter == ".")
    if first == "." and (second.isalpha() or second == "_"):
        return "field", _while(content, start + 1, _in_name)
    if first == "$":
        return "variable", _while(content, start + 1, _in_name)
    if first.isalpha() or first == "_":
        return "word", _while(content, start, _in_name)
    if first in ".()|,=":
        return "mark", start + 1
    raise SyntaxFault(f"bad character U+{ord(first):04X} '{first}'", offset + start)


def _in_name(letter: str) -> bool:
    return letter.isalnum() or letter == "_"


def _while(content: str, position: int, holds: Callable[[str], bool]) -> int:
    while position < len(content) and holds(content[position]):
        position += 1
    return position


def unquoted(literal: str) -> str:
    """The text that a string or character literal stands for."""
    inner = literal[1:-1]
    if literal[0] == "`" or "\\" not in inner:
        return inner
    result, position = [], 0
    while position < len(inner):
        if inner[position] != "\\":
            result.append(inner[position])
            position += 1
            continue
        code = inner[position + 1]
        size = _HEX_DIGITS.get(code, 0)
        if size:
            result.append(chr(int(inner[position + 2 : position + 2 + size], 16)))
        else:
            result.append(_SIMPLE_ESCAPES.get(code, code))
        position += 2 + size
    return "".join(result)
