"""Go templates, as far as `--format` uses them: parsing, and evaluation over JSON values.

Knows the language of text/template (fields, pipes, variables, if/else, range, with, comparisons, trim markers) and the
functions Docker adds. Must not know which objects it prints. See https://pkg.go.dev/text/template.
"""

from __future__ import annotations

from wherry.cli import template_functions, template_lexer
from wherry.cli.failure import Failure
from wherry.cli.template_functions import HEADER_FUNCTIONS, TemplateError
from wherry.cli.template_lexer import SyntaxFault, Token

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

BROKEN = "template parsing error"
__all__ = ["BROKEN", "HEADER_FUNCTIONS", "Fields", "Headers", "Template", "TemplateError", "parse"]


class Fields:
    """An object whose fields are computed when asked for."""

    def __init__(
        self,
        fields: Mapping[str, tuple[str, Callable[[Any], Any]]],
        methods: Mapping[str, Callable[[Any, str], Any]],
        item: Any,
        kind: str,
    ) -> None:
        self._fields = fields
        self._methods = methods
        self._item = item
        self._kind = kind

    def look_up(self, name: str, arguments: Sequence[Any]) -> Any:
        if name in self._methods and len(arguments) == 1:
            return self._methods[name](self._item, str(arguments[0]))
        if name in self._methods:
            raise TemplateError(f"wrong number of args for {name}: want 1 got {len(arguments)}")
        if name not in self._fields:
            raise TemplateError(f"can't evaluate field {name} in type *{self._kind or 'formatter.Context'}")
        return self._fields[name][1](self._item)

    def plain(self) -> dict[str, Any]:
        """All fields, for `json`."""
        return {name: read(self._item) for name, (_, read) in self._fields.items()}


class Headers:
    """The object a table's first line is made from: every field is its header."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def look_up(self, name: str, arguments: Sequence[Any]) -> Any:
        if arguments:
            return str(arguments[0]).rpartition(".")[2].replace("-", " ").replace("_", " ")
        return self._headers.get(name, template_functions.NO_VALUE)

    def plain(self) -> dict[str, Any]:
        return dict(self._headers)


class _Text:
    def __init__(self, text: str) -> None:
        self.text = text


class _Operand:
    """`base` is dot, variable, constant, word or a pipeline; `fields` are looked up in it one after the other."""

    def __init__(self, kind: str, base: Any, fields: list[str], position: int, source: str) -> None:
        self.kind = kind
        self.base = base
        self.fields = fields
        self.position = position
        self.source = source


class _Command:
    def __init__(self, operands: list[_Operand], position: int, source: str) -> None:
        self.operands = operands
        self.position = position
        self.source = source


class _Pipeline:
    """Commands, and the variables that take the result: `declared` anew, or assigned if `assigns`."""

    def __init__(self, commands: list[_Command], declared: list[str], assigns: bool) -> None:
        self.commands = commands
        self.declared = declared
        self.assigns = assigns


class _Branch:
    """if, with or range."""

    def __init__(self, kind: str, pipeline: _Pipeline, body: list[Any], otherwise: list[Any]) -> None:
        self.kind = kind
        self.pipeline = pipeline
        self.body = body
        self.otherwise = otherwise


class _Jump:
    def __init__(self, kind: str) -> None:
        self.kind = kind


class Template:
    """A parsed template; `render` may be called many times."""

    def __init__(self, nodes: list[Any], source: str, trouble: str) -> None:
        self._nodes = nodes
        self._source = source
        self._trouble = trouble

    def render(self, value: Any, *, functions: Mapping[str, Callable[..., Any]] | None = None) -> str:
        """Raises Failure with Go's words for a field that is missing or a function that fails."""
        known = {**template_functions.FUNCTIONS, **(functions or {})}
        try:
            return "".join(_Rendering(value, known).run(self._nodes, value))
        except _Located as error:
            line = self._source.count("\n", 0, error.position) + 1
            column = error.position - self._source.rfind("\n", 0, error.position) - (1 if line == 1 else 0)
            raise Failure(
                f'{self._trouble}: template: :{line}:{column}: executing "" at <{error.source}>: {error.reason}'
            ) from None


class _Located(Exception):
    def __init__(self, reason: str, position: int, source: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.position = position
        self.source = source


class _Break(Exception):
    pass


class _Continue(Exception):
    pass


def parse(source: str, *, parsing: str = BROKEN, executing: str = BROKEN, code: int = 1) -> Template:
    """Raises Failure, with exit code `code` and Go's words, for a template that makes no sense.

    `parsing` stands before these words; `executing` before those about a template that does not fit its object.
    """
    try:
        return Template(_Parser(source).parse(), source, executing)
    except SyntaxFault as error:
        line = source.count("\n", 0, error.position) + 1
        raise Failure(f"{parsing}: template: :{line}: {error}", code) from None


class _Parser:
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
                    nodes.append(_Text(content))
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
                nodes.append(_Jump(first.text))
            else:
                nodes.append(self._whole_pipeline("command"))
        return nodes, ""

    def _branch(self, kind: str) -> _Branch:
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
                return _Branch(kind, pipeline, body, [self._branch(follow.text)])
            otherwise, closer = self._nodes()
        if closer != "end":
            raise SyntaxFault("unexpected EOF", len(self._source))
        return _Branch(kind, pipeline, body, otherwise)

    def _tokenise(self, content: str, position: int) -> None:
        self._tokens = template_lexer.tokens(content, position)
        self._token = 0
        self._skip_space()

    def _skip_space(self) -> None:
        while self._tokens[self._token].kind == "space":
            self._token += 1

    def _peek(self) -> Token:
        return self._tokens[self._token]

    def _whole_pipeline(self, what: str) -> _Pipeline:
        self._skip_space()
        pipeline = self._pipeline(what)
        left = self._peek()
        if left.kind != "end":
            raise SyntaxFault(f"unexpected {_shown(left)} in {what}", left.position)
        return pipeline

    def _pipeline(self, what: str) -> _Pipeline:
        declared, assigns = self._declaration()
        commands = [self._command(what)]
        while self._peek().text == "|":
            self._token += 1
            self._skip_space()
            commands.append(self._command("command"))
        return _Pipeline(commands, declared, assigns)

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

    def _command(self, what: str) -> _Command:
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
        return _Command(operands, start.position, source)

    def _operand(self) -> _Operand:
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

    def _base(self, token: Token) -> _Operand:
        kind, text = token.kind, token.text
        if kind == "field":
            return _Operand("dot", None, [text[1:]], token.position, text)
        if text == ".":
            return _Operand("dot", None, [], token.position, text)
        if kind == "variable":
            return _Operand("variable", text, [], token.position, text)
        if kind in ("string", "char"):
            value: Any = template_lexer.unquoted(text)
            return _Operand("constant", value if kind == "string" else ord(value), [], token.position, text)
        if kind == "number":
            return _Operand("constant", _number(text), [], token.position, text)
        if kind == "word" and text in ("true", "false", "nil"):
            return _Operand("constant", {"true": True, "false": False, "nil": None}[text], [], token.position, text)
        if kind == "word":
            if text not in template_functions.FUNCTIONS:
                raise SyntaxFault(f'function "{text}" not defined', token.position)
            return _Operand("word", text, [], token.position, text)
        if text == "(":
            self._skip_space()
            inner = self._pipeline("parenthesized pipeline")
            if self._peek().text != ")":
                raise SyntaxFault("unclosed left paren", token.position)
            self._token += 1
            return _Operand("pipeline", inner, [], token.position, text)
        raise SyntaxFault(f"unexpected {_shown(token)} in operand", token.position)


def _shown(token: Token) -> str:
    return f'"{token.text}"' if token.kind == "mark" else f"<{token.text}>"


def _number(text: str) -> int | float:
    try:
        return int(text, 0)
    except ValueError:
        return float(text)


class _Rendering:
    """One walk over the nodes; variables live in a stack of scopes."""

    def __init__(self, root: Any, functions: Mapping[str, Callable[..., Any]]) -> None:
        self._functions = functions
        self._scopes: list[dict[str, Any]] = [{"$": root}]

    def run(self, nodes: Sequence[Any], dot: Any) -> Iterator[str]:
        for node in nodes:
            if isinstance(node, _Text):
                yield node.text
            elif isinstance(node, _Pipeline):
                value = self._pipeline(node, dot)
                if not node.declared:
                    yield template_functions.shown(value)
            elif isinstance(node, _Jump):
                raise _Break if node.kind == "break" else _Continue
            elif node.kind == "range":
                yield from self._range(node, dot)
            else:
                yield from self._choice(node, dot)

    def _choice(self, node: _Branch, dot: Any) -> Iterator[str]:
        self._scopes.append({})
        value = self._pipeline(node.pipeline, dot)
        if template_functions.truth(value):
            yield from self.run(node.body, value if node.kind == "with" else dot)
        else:
            yield from self.run(node.otherwise, dot)
        self._scopes.pop()

    def _range(self, node: _Branch, dot: Any) -> Iterator[str]:
        names = node.pipeline.declared
        value = self._pipeline(_Pipeline(node.pipeline.commands, [], False), dot)
        pairs = self._pairs(value, node.pipeline.commands[0])
        if not pairs:
            yield from self.run(node.otherwise, dot)
        for key, item in pairs:
            scope = dict(zip(names, (item,) if len(names) == 1 else (key, item), strict=False))
            depth = len(self._scopes)
            self._scopes.append(scope)
            try:
                yield from self.run(node.body, item)
            except _Break:
                break
            except _Continue:
                pass
            finally:
                del self._scopes[depth:]

    @staticmethod
    def _pairs(value: Any, command: _Command) -> list[tuple[Any, Any]]:
        if isinstance(value, dict):
            return sorted(value.items())
        if isinstance(value, list | tuple):
            return list(enumerate(value))
        if value is None or value is template_functions.NO_VALUE:
            return []
        if isinstance(value, int) and not isinstance(value, bool):
            return [(index, index) for index in range(value)]
        raise _Located(f"range can't iterate over {template_functions.shown(value)}", command.position, command.source)

    def _pipeline(self, pipeline: _Pipeline, dot: Any) -> Any:
        value: Any = None
        for index, command in enumerate(pipeline.commands):
            value = self._command(command, dot, [value] if index else [])
        for name in pipeline.declared:
            self._assign(name, value, pipeline.assigns)
        return value

    def _assign(self, name: str, value: Any, existing: bool) -> None:
        if existing:
            for scope in reversed(self._scopes):
                if name in scope:
                    scope[name] = value
                    return
        self._scopes[-1][name] = value

    def _command(self, command: _Command, dot: Any, piped: list[Any]) -> Any:
        first, *rest = command.operands
        if first.kind == "word" and not first.fields:
            if first.base in ("and", "or"):
                return self._short_circuit(first.base == "and", rest, dot, piped)
            arguments = [self._operand(operand, dot) for operand in rest] + piped
            return self._call(first, arguments, command.source)
        if first.kind == "constant" and first.base is None:
            raise _Located("nil is not a command", first.position, "nil")
        arguments = [self._operand(operand, dot) for operand in rest] + piped
        if arguments and not first.fields:
            raise _Located(f"can't give argument to non-function {first.source}", first.position, first.source)
        return self._operand(first, dot, arguments)

    def _short_circuit(self, all_true: bool, operands: Sequence[_Operand], dot: Any, piped: list[Any]) -> Any:
        value: Any = None
        for operand in operands:
            value = self._operand(operand, dot)
            if template_functions.truth(value) != all_true:
                return value
        return piped[0] if piped else value

    def _call(self, operand: _Operand, arguments: list[Any], source: str) -> Any:
        try:
            return self._functions[operand.base](*arguments)
        except TemplateError as error:
            raise _Located(f"error calling {operand.base}: {error}", operand.position, source) from None
        except TypeError:
            reason = f"wrong number of args for {operand.base}: got {len(arguments)}"
            raise _Located(reason, operand.position, operand.source) from None

    def _operand(self, operand: _Operand, dot: Any, arguments: Sequence[Any] = ()) -> Any:
        value = self._base(operand, dot)
        for index, name in enumerate(operand.fields):
            last = index == len(operand.fields) - 1
            if value is None and index:
                reason = f'map has no entry for key "{operand.fields[index - 1]}"'
                raise _Located(reason, operand.position, operand.source)
            try:
                value = template_functions.look_up(value, name, arguments if last else ())
            except TemplateError as error:
                raise _Located(str(error), operand.position, operand.source) from None
        return value

    def _base(self, operand: _Operand, dot: Any) -> Any:
        if operand.kind == "dot":
            return dot
        if operand.kind == "constant":
            return operand.base
        if operand.kind == "pipeline":
            return self._pipeline(operand.base, dot)
        if operand.kind == "word":
            return self._call(operand, [], operand.source)
        for scope in reversed(self._scopes):
            if operand.base in scope:
                return scope[operand.base]
        raise _Located(f"undefined variable {operand.base}", operand.position, operand.source)
