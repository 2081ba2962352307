"""The docker client and ours, run with the same words against the same canned engine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.canned_engine import CannedEngine, Request

_SOURCE = Path(__file__).parents[2] / "src"
OLDEST = 28
"""The major version of the docker client from which on its output is what ours is compared with."""


def _comparable() -> str | None:
    """The docker client, if there is one and it is new enough."""
    found = shutil.which("docker")
    if found is None:
        return None
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    major = said.removeprefix("Docker version ").partition(".")[0]
    return found if major.isdecimal() and int(major) >= OLDEST else None


DOCKER = _comparable()


@dataclass
class Outcome:
    code: int
    stdout: str
    stderr: str
    requests: list[Request]


class Clients:
    """Runs either client; `home` keeps both from the user's own configuration."""

    def __init__(self, engine: CannedEngine, home: Path) -> None:
        self.engine = engine
        self.home = home

    def wherry(self, *words: str, stdin: str = "", **environment: str) -> Outcome:
        return self._run([sys.executable, "-m", "wherry.cli"], words, stdin, environment)

    def docker(self, *words: str, stdin: str = "", **environment: str) -> Outcome:
        assert DOCKER is not None
        return self._run([DOCKER], words, stdin, environment)

    def environment(self, **more: str) -> dict[str, str]:
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("DOCKER_", "WHERRY_"))}
        known = {"DOCKER_HOST": self.engine.host, "HOME": str(self.home), "PYTHONPATH": str(_SOURCE), "TZ": "UTC"}
        return {**plain, **known, **more}

    def _run(self, program: list[str], words: tuple[str, ...], stdin: str, environment: dict[str, str]) -> Outcome:
        self.engine.requests.clear()
        done = subprocess.run(
            [*program, *words],
            env=self.environment(**environment),
            cwd=self.home,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr, list(self.engine.requests))

    def assert_same(self, *words: str, stdin: str = "") -> tuple[Outcome, Outcome]:
        """Exit code and both streams are the same, but for the name of the program."""
        theirs, ours = self.docker(*words, stdin=stdin), self.wherry(*words, stdin=stdin)
        assert (ours.code, ours.stdout) == (theirs.code, theirs.stdout)
        assert ours.stderr == renamed(theirs.stderr)
        return theirs, ours


def renamed(text: str) -> str:
    """Docker's words with our name, where the name is that of the program."""
    kept = ("docker.io", "docker endpoint", "docker daemon")
    for index, word in enumerate(kept):
        text = text.replace(word, f"\0{index}")
    text = text.replace("docker", "wherry")
    for index, word in enumerate(kept):
        text = text.replace(f"\0{index}", word)
    return text


def without_defaults(value: Any) -> Any:
    """A JSON document without what says nothing: null, false, zero, empty; a client may send or leave it out."""
    if isinstance(value, dict):
        kept = {name: without_defaults(item) for name, item in value.items()}
        return {name: item for name, item in kept.items() if item not in (None, "", 0, False, [], {}, [0, 0])}
    return [without_defaults(item) for item in value] if isinstance(value, list) else value
