"""A terminal's stay with a container: attach, follow signals and window size, stream, leave.

Knows the attach, wait, kill and resize requests and their order. Must not know which command attaches.
"""

from __future__ import annotations

from wherry import errors
from wherry.cli import relay, signals, terminal
from wherry.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wherry.client.transport import Engine, Response


class Streams:
    """Which streams are joined, and whether they are a terminal."""

    __slots__ = ("stderr", "stdin", "stdout", "tty")

    def __init__(self, stdin: bool, stdout: bool, stderr: bool, tty: bool) -> None:
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.tty = tty


class Session:
    """Use it as a context manager around `attach`, the start of the container, and `stream`."""

    def __init__(self, engine: Engine, identity: str, streams: Streams, *, keys: str = "", proxy: bool = False) -> None:
        self._engine = engine
        self._identity = identity
        self._streams = streams
        self._keys_notation = keys
        self._proxy = proxy
        self._raw: terminal.Raw | None = None
        self._keys: terminal.DetachKeys | None = None
        self._joined: tuple[Any, bytes, str] | None = None
        self._resize_path = f"/containers/{identity}/resize"
        watched = signals.PASSED_ON if proxy else (signals.WINDOW_CHANGED,)
        self._arrivals = signals.Arrivals(watched) if proxy or streams.tty else None

    def __enter__(self) -> Session:
        streams = self._streams
        if streams.tty and streams.stdin and terminal.is_terminal(0):
            notation = self._keys_notation or terminal.DEFAULT_KEYS
            self._keys = terminal.DetachKeys(terminal.keys(notation))
            self._raw = terminal.Raw(0)
            self._raw.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._raw is not None:
            self._raw.__exit__()
        if self._joined is not None:
            self._joined[0].close()

    def attach(self) -> None:
        """Take part in the container's streams from its first byte on."""
        streams = self._streams
        parameters = [("stream", "1")]
        wanted = (("stdin", streams.stdin), ("stdout", streams.stdout), ("stderr", streams.stderr))
        parameters += [(name, "1") for name, on in wanted if on]
        if self._keys_notation:
            parameters.append(("detachKeys", self._keys_notation))
        if any(on for _, on in wanted):
            self._joined = self._engine.hijack(f"/containers/{self._identity}/attach", parameters)

    def join(self, path: str, body: object, resize_path: str) -> None:
        """Take part in another stream, an exec's: POST `body` to `path`.

        The size of its terminal goes to `resize_path`.
        """
        self._resize_path = resize_path
        self._joined = self._engine.hijack(path, json=body)

    def expect_exit(self, condition: str) -> Response:
        """Ask for the exit code now; its body comes when there is one."""
        parameters = [("condition", condition)] if condition else []
        return self._engine.request("POST", f"/containers/{self._identity}/wait", parameters)

    def stream(self) -> bool:
        """Copy until the output ends; False if the user detached."""
        self._resize()
        if self._joined is None:
            return True
        sock, early, _ = self._joined
        streams = self._streams
        return relay.Relay(
            sock,
            early,
            framed=not streams.tty,
            stdin=streams.stdin,
            output=streams.stdout or streams.stderr,
            keys=self._keys,
            arrivals=self._arrivals,
            on_signal=self._on_signal,
        ).run()

    def _on_signal(self, number: int) -> None:
        if number == signals.WINDOW_CHANGED and self._streams.tty:
            self._resize()
        elif self._proxy and number in signals.NAMES:
            try:
                self._engine.post(f"/containers/{self._identity}/kill", [("signal", signals.NAMES[number])])
            except errors.WherryError:
                pass  # it has exited meanwhile, or has not started yet; its exit tells the rest

    def _resize(self) -> None:
        size = terminal.size() if self._streams.tty else None
        if size is None:
            return
        try:
            self._engine.post(self._resize_path, [("h", str(size[0])), ("w", str(size[1]))])
        except errors.WherryError:
            pass  # as above


def detached() -> Failure:
    """What `attach` and `exec` say when the user has typed the detach keys."""
    return Failure("read escape sequence")
