"""The words in which end-to-end tests are written.

A test is one intent: its name says an invariant in a sentence. It reads as steps with what must be seen after each;
state is asked for before output is compared, nothing sleeps for a fixed time, and when it fails the daemon's log and
the steps so far are shown.

    def test_a_container_outlives_its_daemon(scenario):
        scenario.docker("run", "-d", "--name", "web", "busybox", "sleep", "1000")
        with scenario.step("the daemon crashes and another one starts"):
            scenario.daemon.kill()
            scenario.daemon.start()
        scenario.expect_state("web", "running")

Commands run with the real docker client (`docker`), with ours (`wherry`), or with both in turn (`each_client`).
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.support.daemon import Daemon

DEADLINE = 20.0
"""Seconds that anything may take in a test before it counts as hanging."""


@dataclass(frozen=True, slots=True)
class Result:
    command: tuple[str, ...]
    code: int
    stdout: str
    stderr: str

    @property
    def line(self) -> str:
        """The one line of output."""
        return self.stdout.strip()

    def __str__(self) -> str:
        return f"$ {' '.join(self.command)}\n[{self.code}] {self.stdout}{self.stderr}"


class Scenario:
    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self._told: list[str] = []

    @contextlib.contextmanager
    def step(self, sentence: str) -> Iterator[None]:
        """Name what happens, for whoever reads the test or its failure."""
        self._told.append(f"-- {sentence}")
        yield

    def docker(self, *args: str, code: int | None = 0, stdin: bytes | None = None, timeout: float = DEADLINE) -> Result:
        """Run the docker client against the daemon and check its exit code (None: any)."""
        return self._run(("docker", *args), code, stdin, timeout)

    def wherry(self, *args: str, code: int | None = 0, stdin: bytes | None = None, timeout: float = DEADLINE) -> Result:
        """Run our own client."""
        return self._run((sys.executable, "-m", "wherry.cli", *args), code, stdin, timeout)

    def _run(self, command: tuple[str, ...], code: int | None, stdin: bytes | None, timeout: float) -> Result:
        done = subprocess.run(
            command, env=self.environment, input=stdin or b"", capture_output=True, timeout=timeout, check=False
        )
        result = Result(
            command, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        )
        self._told.append(str(result))
        assert code is None or result.code == code, self.story(f"expected exit code {code}")
        return result

    def spawn(self, *args: str) -> subprocess.Popen[bytes]:
        """Start the docker client and leave it running, for what has to happen at the same time."""
        self._told.append(f"$ docker {' '.join(args)} &")
        pipe = subprocess.PIPE
        return subprocess.Popen(("docker", *args), env=self.environment, stdin=pipe, stdout=pipe, stderr=pipe)

    @property
    def environment(self) -> dict[str, str]:
        """For a client of this daemon; its configuration is not the user's."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.daemon.root),
            "DOCKER_HOST": self.daemon.host,
            "DOCKER_CONFIG": str(self.daemon.root / "client"),
            "PYTHONPATH": os.pathsep.join(sys.path),
        }

    def inspect(self, name: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = json.loads(self.docker("inspect", name).stdout)
        return found[0]

    def state(self, name: str) -> str:
        status: str = self.inspect(name)["State"]["Status"]
        return status

    def expect_state(self, name: str, status: str) -> None:
        """The container gets into this state, at the latest in a moment."""
        self.eventually(lambda: self.state(name) == status, f"{name} is {status}")

    def expect_gone(self, name: str) -> None:
        self.eventually(lambda: self.docker("inspect", name, code=None).code == 1, f"{name} is gone")

    def eventually(self, condition: Callable[[], bool], sentence: str, seconds: float = DEADLINE) -> None:
        """Ask until it is true."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.story(f"still not true: {sentence}")
            time.sleep(0.02)

    def story(self, problem: str) -> str:
        """The failure as a text: what was wrong, what was done, what the daemon said."""
        told = "\n".join(self._told[-12:])
        return f"{problem}\n{told}\n-- the daemon's log ends with\n{self.daemon.log[-3000:]}"

    def clean(self) -> None:
        """Remove every container, so that one daemon can serve several tests."""
        ids = self.docker("ps", "-aq").stdout.split()
        if ids:
            self.docker("rm", "-fv", *ids, code=None, timeout=60)
