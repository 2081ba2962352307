"""Go templates, second step: tokens to a tree.

Knows the grammar of text/template. Must not know values; of functions it knows whether they exist. The tree is made of
the classes here, walked by wherry.cli.template.
"""

from __future__ import annotations

from wherry.cli import template_functions, template_lexer
from wherry.cli.template_lexer import SyntaxFault, Token

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Text:
    def __init__(self, text: str) -> None:
        self.text = text


class Operand:
    """`base` is dot, variable, constant, word or a pipeline; `fields` are looked up in it one after the other."""

    def __init__(self, kind: str, base: Any, fields: list[str], position: int, source: str) -> None:
        self.kind = kind
        self.base = base
        self.fields = fields
        self.position = position
        self.source = source


class Command:
    def __init__(self, operands: list[Operand], position: int, source: str) -> None:
        self.operands = operands
        self.position = position
        self.source = source


class Pipeline:
    """Commands, and the variables that take the result: `declared` anew, or assigned if `assigns`."""

    def __init__(self, commands: list[Command], declared: list[str], assigns: bool) -> None:
        self.commands = commands
        self.declared = declared
        self.assigns = assigns


class Branch:
    """if, with or range."""

    def __init__(self, kind: str, pipeline: Pipeline, body: list[Any], otherwise: list[Any]) -> None:
        self.kind = kind
        self.pipeline = pipeline
        self.body = body
        self.otherwise = otherwise


class Jump:
    def __init__(self, kind: str) -> None:
        self.kind = kind


class Parser:
    """Turns a source into nodes, once."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._pieces = list(template_lexer.pieces(source))
        self._index = 0
        self._tokens: list[Token] = []
        self._token = 0
        self._loops = 0

    def parse(self) -> list[Any]:
        nodes, closer = self._nodes()
        if closer:
            raise SyntaxFault(f"unexpected {{{{{closer}}}}}", len(self._source))
        return nodes

    def _nodes(self) -> tuple[list[Any], str]:
        """Nodes up to the action that closes them, and that action's keyword ("" at the end)."""
        nodes: list[Any] = []
        while self._index < len(self._pieces):
            is_action, content, position = self._pieces[self._index]
            self._index += 1
            if not is_action:
                if content:
                    nodes.append(Text(content))
                continue
            self._tokenise(content, position)
            first = self._peek()
            if first.kind == "word" and first.text in ("end", "else"):
                self._token += 1
                return nodes, first.text
            if first.kind == "word" and first.text in ("if", "with", "range"):
                self._token += 1
                nodes.append(self._branch(first.text))
            elif first.kind == "word" and first.text in ("break", "continue"):
                if not self._loops:
                    raise SyntaxFault(f"{{{{{first.text}}}}} outside {{{{range}}}}", position)
                nodes.append(Jump(first.text))
            else:
                nodes.append(self._whole_pipeline("command"))
        return nodes, ""

    def _branch(self, kind: str) -> Branch:
        pipeline = self._whole_pipeline(kind)
        self._loops += kind == "range"
        body, closer = self._nodes()
        self._loops -= kind == "range"
        otherwise: list[Any] = []
        if closer == "else":
            self._skip_space()
            follow = self._peek()
            if follow.kind == "word" and follow.text in ("if", "with"):
                self._token += 1
                return Branch(kind, pipeline, body, [self._branch(follow.text)])
            otherwise, closer = self._nodes()
        if closer != "end":
            raise SyntaxFault("unexpected EOF", len(self._source))
        return Branch(kind, pipeline, body, otherwise)

    def _tokenise(self, content: str, position: int) -> None:
        self._tokens = template_lexer.tokens(content, position)
        self._token = 0
        self._skip_space()

    def _skip_space(self) -> None:
        while self._tokens[self._token].kind == "space":
            self._token += 1

    def _peek(self) -> Token:
        return self._tokens[self._token]

    def _whole_pipeline(self, what: str) -> Pipeline:
        self._skip_space()
        pipeline = self._pipeline(what)
        left = self._peek()
        if left.kind != "end":
            raise SyntaxFault(f"unexpected {_shown(left)} in {what}", left.position)
        return pipeline

    def _pipeline(self, what: str) -> Pipeline:
        declared, assigns = self._declaration()
        commands = [self._command(what)]
        while self._peek().text == "|":
            self._token += 1
            self._skip_space()
            commands.append(self._command("command"))
        return Pipeline(commands, declared, assigns)

    def _declaration(self) -> tuple[list[str], bool]:
        """`$x :=`, `$i, $x :=` or `$x =` at the start of a pipeline."""
        start = self._token
        names = []
        while self._peek().kind == "variable":
            names.append(self._peek().text)
            self._token += 1
            self._skip_space()
            if self._peek().text == ",":
                self._token += 1
                self._skip_space()
                continue
            if self._peek().kind == "declare" or self._peek().text == "=":
                assigns = self._peek().text == "="
                self._token += 1
                self._skip_space()
                return names, assigns
            break
        self._token = start
        return [], False

    def _command(self, what: str) -> Command:
        start = self._peek()
        operands = []
        while True:
            self._skip_space()
            token = self._peek()
            if token.kind == "end" or token.text in ("|", ")"):
                break
            operands.append(self._operand())
        if not operands:
            raise SyntaxFault(f"missing value for {what}", start.position)
        source = self._source[start.position : self._tokens[self._token].position].strip()
        return Command(operands, start.position, source)

    def _operand(self) -> Operand:
        token = self._peek()
        self._token += 1
        operand = self._base(token)
        first = True
        while self._peek().kind == "field":
            following = self._peek()
            self._token += 1
            operand.fields.append(following.text[1:])
            operand.position = following.position if first and operand.kind == "dot" else operand.position
            first = False
        last = self._peek()
        operand.source = self._source[token.position : last.position].strip() or token.text
        return operand

    def _base(self, token: Token) -> Operand:
        kind, text = token.kind, token.text
        if kind == "field":
            return Operand("dot", None, [text[1:]], token.position, text)
        if text == ".":
            return Operand("dot", None, [], token.position, text)
        if kind == "variable":
            return Operand("variable", text, [], token.position, text)
        if kind in ("string", "char"):
            value: Any = template_lexer.unquoted(text)
            return Operand("constant", value if kind == "string" else ord(value), [], token.position, text)
        if kind == "number":
            return Operand("constant", _number(text), [], token.position, text)
        if kind == "word" and text in ("true", "false", "nil"):
            return Operand("constant", {"true": True, "false": False, "nil": None}[text], [], token.position, text)
        if kind == "word":
            if text not in template_functions.FUNCTIONS:
                raise SyntaxFault(f'function "{text}" not defined', token.position)
            return Operand("word", text, [], token.position, text)
        if text == "(":
            self._skip_space()
            inner = self._pipeline("parenthesized pipeline")
            if self._peek().text != ")":
                raise SyntaxFault("unclosed left paren", token.position)
            self._token += 1
            return Operand("pipeline", inner, [], token.position, text)
        raise SyntaxFault(f"unexpected {_shown(token)} in operand", token.position)


def _shown(token: Token) -> str:
    return f'"{token.text}"' if token.kind == "mark" else f"<{token.text}>"


def _number(text: str) -> int | float:
    try:
        return int(text, 0)
    except ValueError:
        return float(text)
