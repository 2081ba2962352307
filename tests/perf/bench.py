"""Measures one or more Docker-compatible daemons side by side, and prints ratios to the last one.

    python tests/perf/bench.py NAME=unix:///path/to.sock [NAME=unix:///path/to.sock ...] [--only run,exec] [--rounds 15]

Every measure is taken in turn on each daemon, so that what else the machine does hits all alike; the figure is the
median. Each daemon needs an image busybox:latest. The docker client does the work where a user would use it.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import io
import json
import os
import socket
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

IMAGE = "busybox:latest"


class Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=120)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Subject:
    """One daemon."""

    def __init__(self, name: str, host: str) -> None:
        self.name = name
        self.host = host
        self.connection = Connection(host.removeprefix("unix://"))

    def docker(self, *args: str, stdin: bytes = b"") -> bytes:
        environment = {**os.environ, "DOCKER_HOST": self.host}
        return subprocess.run(["docker", *args], env=environment, input=stdin, capture_output=True, check=True).stdout

    def api(self, method: str, path: str, body: Any = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Content-Type": "application/json"} if data else {}
        self.connection.request(method, "/v1.41" + path, data, headers)
        response = self.connection.getresponse()
        content = response.read()
        if response.status >= 400:
            raise RuntimeError(f"{self.name}: {method} {path}: {response.status} {content.decode(errors='replace')}")
        return json.loads(content) if content.strip().startswith((b"{", b"[")) else content


Measure = Callable[[Subject], float]
"""Seconds, or another quantity of which less is better."""


def timed(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def run(subject: Subject) -> float:
    return timed(lambda: subject.docker("run", "--rm", IMAGE, "true"))


def cycle(subject: Subject) -> float:
    def all_of_it() -> None:
        made = subject.api("POST", "/containers/create", {"Image": IMAGE, "Cmd": ["true"]})
        subject.api("POST", f"/containers/{made['Id']}/start")
        subject.api("POST", f"/containers/{made['Id']}/wait")
        subject.api("DELETE", f"/containers/{made['Id']}")

    return timed(all_of_it)


@contextlib.contextmanager
def sleeping(subject: Subject) -> Iterator[str]:
    identifier = subject.docker("run", "-d", IMAGE, "sleep", "3600").decode().strip()
    try:
        yield identifier
    finally:
        subject.docker("rm", "-f", identifier)


def exec_(subject: Subject) -> float:
    with sleeping(subject) as identifier:
        return statistics.median(timed(lambda: subject.docker("exec", identifier, "true")) for _ in range(5))


LOG_BYTES = 200_000_000


def logs_write(subject: Subject) -> float:
    """Seconds for 200 MB of 100-byte lines, read from a file that is mounted, through the log driver, detached."""
    with tempfile.NamedTemporaryFile() as file:
        file.write((b"x" * 99 + b"\n") * (LOG_BYTES // 100))
        file.flush()
        start = time.perf_counter()
        mounted = f"{file.name}:/lines:ro"
        identifier = subject.docker("run", "-d", "-v", mounted, IMAGE, "cat", "/lines").decode().strip()
        subject.docker("wait", identifier)
        seconds = time.perf_counter() - start
    subject.docker("rm", identifier)
    return seconds


def logs_read(subject: Subject) -> float:
    """Seconds to read 20 MB of log back through the API."""
    identifier = subject.docker("run", "-d", IMAGE, "sh", "-c", f"yes {'x' * 99} | head -c 20000000").decode().strip()
    subject.docker("wait", identifier)
    seconds = timed(lambda: subject.api("GET", f"/containers/{identifier}/logs?stdout=1"))
    subject.docker("rm", identifier)
    return seconds


def archive(files: int = 2000, size: int = 20_000) -> bytes:
    """A docker-archive of one layer."""
    import hashlib

    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        for number in range(files):
            entry = tarfile.TarInfo(f"d{number % 50}/f{number}")
            entry.size = size
            tar.addfile(entry, io.BytesIO((str(number) * size).encode()[:size]))
    content = layer.getvalue()
    diff_id = "sha256:" + hashlib.sha256(content).hexdigest()
    config = json.dumps(
        {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [diff_id]}}
    ).encode()
    name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = json.dumps([{"Config": name, "RepoTags": ["bench:latest"], "Layers": ["layer.tar"]}]).encode()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for member, data in ((name, config), ("layer.tar", content), ("manifest.json", manifest)):
            entry = tarfile.TarInfo(member)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


_archive: list[bytes] = []


def load(subject: Subject) -> float:
    if not _archive:
        _archive.append(archive())
    seconds = timed(lambda: subject.docker("load", stdin=_archive[0]))
    subject.docker("rmi", "bench:latest")
    return seconds


def ps(subject: Subject) -> float:
    """`docker ps -a` with 500 containers."""
    made = [subject.api("POST", "/containers/create", {"Image": IMAGE, "Cmd": ["true"]})["Id"] for _ in range(500)]
    try:
        return statistics.median(timed(lambda: subject.docker("ps", "-a")) for _ in range(7))
    finally:
        for identifier in made:
            subject.api("DELETE", f"/containers/{identifier}")


MEASURES: dict[str, tuple[Measure, int, str]] = {
    "run": (run, 1, "docker run --rm busybox true"),
    "cycle": (cycle, 1, "create, start, wait, delete through the API"),
    "exec": (exec_, 3, "docker exec true"),
    "logs-write": (logs_write, 5, "200 MB of 100-byte lines through json-file"),
    "logs-read": (logs_read, 5, "20 MB of log read back"),
    "load": (load, 4, "docker load, 40 MB in 2000 files"),
    "ps": (ps, 12, "docker ps -a with 500 containers"),
}
"""The measure, by how much its number of rounds is divided, and what it is."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("subjects", nargs="+", metavar="NAME=HOST")
    parser.add_argument("--only", default="", help=f"some of {','.join(MEASURES)}")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    subjects = [Subject(*each.split("=", 1)) for each in options.subjects]
    chosen = options.only.split(",") if options.only else list(MEASURES)
    print(f"{'':44}" + "".join(f"{subject.name:>16}" for subject in subjects) + f"{'ratio':>9}{'noise':>8}")
    for name in chosen:
        measure, divisor, title = MEASURES[name]
        figures: dict[str, list[float]] = {subject.name: [] for subject in subjects}
        for _ in range(max(1, options.rounds // divisor)):
            for subject in subjects:
                figures[subject.name].append(measure(subject))
        medians = [statistics.median(figures[subject.name]) for subject in subjects]
        spread = max((max(each) - min(each)) / statistics.median(each) for each in figures.values())
        row = "".join(f"{median * 1000:13.1f} ms" for median in medians)
        print(f"{title:44}{row}{medians[-1] / medians[0]:8.2f}x{spread:7.0%}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
