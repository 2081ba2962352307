"""What a command may load before it talks to the engine: start-up time is won here, and lost by one import."""

from __future__ import annotations

import pytest

from tests.support import canned_documents
from tests.support.two_clients import Clients

SLOW = {
    "argparse",
    "collections",
    "dataclasses",
    "enum",
    "functools",
    "http",
    "json",
    "re",
    "signal",
    "socket",
    "ssl",
    "typing",
    "urllib",
}


@pytest.mark.parametrize(
    "words",
    [
        ("ps", "-a"),
        ("ps", "--format", "{{.Names}}"),
        ("images",),
        ("inspect", "web"),
        ("inspect", "-f", "{{.State.Pid}}", "web"),
        ("stop", "web"),
        ("rm", "web"),
        ("logs", "web"),
        ("version",),
        ("run", "-d", "--rm", "-p", "80:80", "-v", "/a:/b", "-e", "A=b", "-m", "64m", "busybox", "true"),
        ("exec", "web", "true"),
    ],
)
def test_hot_commands_load_no_slow_module(clients: Clients, words: tuple[str, ...]) -> None:
    clients.engine.routes = canned_documents.routes()
    # Modules that the interpreter loads by itself on this machine do not count.
    bare = _loaded(clients, ())
    loaded = _loaded(clients, words) - bare
    assert not {name.partition(".")[0] for name in loaded} & SLOW


def _loaded(clients: Clients, words: tuple[str, ...]) -> set[str]:
    import subprocess
    import sys

    program = "import sys; from wherry.cli.main import perform; perform(sys.argv[1:])" if words else "pass"
    code = f"{program}\nimport sys\nprint('\\0' + ' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code, *words], env=clients.environment(), capture_output=True, text=True, check=True
    )
    return set(done.stdout.rpartition("\0")[2].split())
