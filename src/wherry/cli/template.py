"""Go templates, as far as `--format` uses them: parsing, and evaluation over JSON values.

Knows the language of text/template (fields, pipes, variables, if/else, range, with, comparisons, trim markers) and the
functions Docker adds. Must not know which objects it prints. See https://pkg.go.dev/text/template.
"""

from __future__ import annotations

from wherry.cli import template_functions
from wherry.cli import template_parser as tree
from wherry.cli.failure import Failure
from wherry.cli.template_functions import HEADER_FUNCTIONS, TemplateError
from wherry.cli.template_lexer import SyntaxFault

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
        return Template(tree.Parser(source).parse(), source, executing)
    except SyntaxFault as error:
        line = source.count("\n", 0, error.position) + 1
        raise Failure(f"{parsing}: template: :{line}: {error}", code) from None


class _Rendering:
    """One walk over the nodes; variables live in a stack of scopes."""

    def __init__(self, root: Any, functions: Mapping[str, Callable[..., Any]]) -> None:
        self._functions = functions
        self._scopes: list[dict[str, Any]] = [{"$": root}]

    def run(self, nodes: Sequence[Any], dot: Any) -> Iterator[str]:
        for node in nodes:
            if isinstance(node, tree.Text):
                yield node.text
            elif isinstance(node, tree.Pipeline):
                value = self._pipeline(node, dot)
                if not node.declared:
                    yield template_functions.shown(value)
            elif isinstance(node, tree.Jump):
                raise _Break if node.kind == "break" else _Continue
            elif node.kind == "range":
                yield from self._range(node, dot)
            else:
                yield from self._choice(node, dot)

    def _choice(self, node: tree.Branch, dot: Any) -> Iterator[str]:
        self._scopes.append({})
        value = self._pipeline(node.pipeline, dot)
        if template_functions.truth(value):
            yield from self.run(node.body, value if node.kind == "with" else dot)
        else:
            yield from self.run(node.otherwise, dot)
        self._scopes.pop()

    def _range(self, node: tree.Branch, dot: Any) -> Iterator[str]:
        names = node.pipeline.declared
        value = self._pipeline(tree.Pipeline(node.pipeline.commands, [], False), dot)
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
    def _pairs(value: Any, command: tree.Command) -> list[tuple[Any, Any]]:
        if isinstance(value, dict):
            return sorted(value.items())
        if isinstance(value, list | tuple):
            return list(enumerate(value))
        if value is None or value is template_functions.NO_VALUE:
            return []
        if isinstance(value, int) and not isinstance(value, bool):
            return [(index, index) for index in range(value)]
        raise _Located(f"range can't iterate over {template_functions.shown(value)}", command.position, command.source)

    def _pipeline(self, pipeline: tree.Pipeline, dot: Any) -> Any:
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

    def _command(self, command: tree.Command, dot: Any, piped: list[Any]) -> Any:
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

    def _short_circuit(self, all_true: bool, operands: Sequence[tree.Operand], dot: Any, piped: list[Any]) -> Any:
        value: Any = None
        for operand in operands:
            value = self._operand(operand, dot)
            if template_functions.truth(value) != all_true:
                return value
        return piped[0] if piped else value

    def _call(self, operand: tree.Operand, arguments: list[Any], source: str) -> Any:
        try:
            return self._functions[operand.base](*arguments)
        except TemplateError as error:
            raise _Located(f"error calling {operand.base}: {error}", operand.position, source) from None
        except TypeError:
            reason = f"wrong number of args for {operand.base}: got {len(arguments)}"
            raise _Located(reason, operand.position, operand.source) from None

    def _operand(self, operand: tree.Operand, dot: Any, arguments: Sequence[Any] = ()) -> Any:
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

    def _base(self, operand: tree.Operand, dot: Any) -> Any:
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
