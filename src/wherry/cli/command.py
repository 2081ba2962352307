"""What a command is, and one use of it.

Knows flags, arity and the engine a command line names. Must not know any command. `Command` is the table from which a
command line is read and its help is drawn.
"""

from __future__ import annotations

import sys

from wherry.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from wherry.cli.configuration import Configuration
    from wherry.cli.flags import Flag, Options
    from wherry.client.transport import Engine

    Run = Callable[["Invocation"], int]


class Command:
    """`usage` is one or more lines without the command's name; `most` None means any number of arguments."""

    __slots__ = ("examples", "flags", "interspersed", "least", "most", "run", "summary", "usage")

    def __init__(
        self,
        run: Run,
        summary: str,
        usage: str,
        *,
        least: int = 0,
        most: int | None = 0,
        flags: Sequence[Flag] = (),
        interspersed: bool = True,
        examples: Sequence[str] = (),
    ) -> None:
        self.run = run
        self.summary = summary
        self.usage = usage
        self.least = least
        self.most = most
        self.flags = flags
        self.interspersed = interspersed
        self.examples = examples

    def complaint(self, count: int) -> str:
        """What is wrong with `count` arguments, "" if nothing is."""
        if count >= self.least and (self.most is None or count <= self.most):
            return ""
        if self.most == 0:
            return "accepts no arguments"
        if self.least == self.most:
            return f"requires {_arguments(self.least)}"
        if self.most is None:
            return f"requires at least {_arguments(self.least)}"
        if self.least:
            return f"requires at least {self.least} and at most {_arguments(self.most)}"
        return f"requires at most {_arguments(self.most)}"


def _arguments(count: int) -> str:
    return f"{count} argument" if count == 1 else f"{count} arguments"


class Invocation:
    """One use of a command: its `path` as typed ("container ls"), its options and arguments, and the engine to ask."""

    def __init__(
        self,
        path: str,
        options: Options,
        arguments: list[str],
        configuration: Configuration,
        open_engine: Callable[[], Engine],
    ) -> None:
        self.path = path
        self.options = options
        self.arguments = arguments
        self.configuration = configuration
        self._open_engine = open_engine
        self._engine: Engine | None = None

    @property
    def engine(self) -> Engine:
        if self._engine is None:
            self._engine = self._open_engine()
        return self._engine

    def all_at_once(self, method: str, path: str, *, forgiving: bool = False) -> int:
        """Like `each` for one request an argument; `{}` in `path` stands for it.

        The engine works on all at the same time.
        """
        from wherry.client.transport import quote

        answers = self.engine.request_all(method, [path.format(quote(argument)) for argument in self.arguments])

        def next_answer(_argument: str) -> None:
            answer = next(answers)
            if isinstance(answer, Exception):
                raise answer

        return self.each(next_answer, forgiving=forgiving)

    def each(self, act: Callable[[str], Any], *, say: bool = True, forgiving: bool = False) -> int:
        """Call `act` for every argument and print those that worked; complain about the others and return 1.

        `forgiving` does not count what is not found as a failure.
        """
        from wherry import errors

        failed: list[str] = []
        for argument in self.arguments:
            try:
                act(argument)
            except errors.Unavailable:
                raise
            except (errors.WherryError, Failure) as error:
                if forgiving and getattr(error, "status", 0) == 404:
                    warn(described(error))
                else:
                    failed.append(described(error))
            else:
                if say:
                    print(argument)
        if failed:
            raise Failure("\n".join(failed))
        return 0


def described(error: Exception) -> str:
    """An error as a command prints it: the engine's words are marked as such, a hint follows on a line of its own."""
    from wherry.client.transport import EngineError

    message = str(error)
    if isinstance(error, EngineError):
        message = f"Error response from daemon: {message}"
    hint = getattr(error, "hint", "")
    return f"{message}\n{hint}" if hint else message


def warn(message: str) -> None:
    """A line on standard error, after what was printed before it."""
    sys.stdout.flush()
    sys.stderr.write(message + "\n")
    sys.stderr.flush()
