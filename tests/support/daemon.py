"""A real wherryd in a directory of its own, for tests that talk to it from outside."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

_READY_SECONDS = 20.0


class DaemonFailed(AssertionError):
    pass


class Daemon:
    """`start`, `kill` (SIGKILL) and `stop` (SIGTERM) as often as a test likes; the directory stays the same.

    <root>/data, <root>/exec    data root and exec root
    <root>/wherry.sock          the API
    <root>/daemon.log           what it said, all runs
    """

    def __init__(self, root: Path, *options: str, faults: str = "") -> None:
        self.root = root
        self.options = options
        self.faults = faults
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> str:
        return f"{self.root}/wherry.sock"

    @property
    def host(self) -> str:
        return f"unix://{self.socket}"

    @property
    def log(self) -> str:
        path = self.root / "daemon.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self, *, faults: str | None = None) -> Self:
        """Start it and wait until it answers."""
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        armed = self.faults if faults is None else faults
        if armed:
            environment["WHERRY_FAULTS"] = armed
        command = [sys.executable, "-m", "wherry.daemon", "--exec-root", f"{self.root}/exec"]
        command += ["--pidfile", f"{self.root}/pid", "-H", self.host]
        command += [] if "--data-root" in self.options else ["--data-root", f"{self.root}/data"]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(_SOURCE), environment.get("PYTHONPATH"))))
        with (self.root / "daemon.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *self.options], env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        self._wait_until_ready()
        return self

    def _wait_until_ready(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise DaemonFailed(f"wherryd ended with status {self.process.returncode}:\n{self.log[-4000:]}")
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(2)
                probe.connect(self.socket)
                probe.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
                if b"200" in probe.recv(64):
                    return
            time.sleep(0.01)
        self.kill()
        raise DaemonFailed(f"wherryd does not answer on {self.socket}:\n{self.log[-4000:]}")

    def kill(self) -> None:
        """SIGKILL, as a crash."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def wait_dead(self, seconds: float = 20) -> None:
        """Wait for a daemon that a failpoint has killed."""
        assert self.process is not None
        self.process.wait(seconds)

    def stop(self) -> None:
        """SIGTERM and wait: containers go on."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise DaemonFailed(f"wherryd did not stop:\n{self.log[-4000:]}") from None

    def restart(self) -> None:
        self.stop()
        self.start()


_SOURCE = Path(__file__).resolve().parents[2] / "src"
