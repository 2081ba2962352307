"""The check that runs after every other component test sees what they could leave behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.support import leaks
from tests.support.trees import tmpfs


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaks, "PATIENCE", 0.1)


@contextlib.contextmanager
def mount() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder, tmpfs(Path(folder, "disk")) as disk:
        yield f"mount {disk} (tmpfs)"


@contextlib.contextmanager
def descriptor() -> Iterator[str]:
    fd = os.open("/dev/zero", os.O_RDONLY)
    yield f"descriptor {fd}: /dev/zero"
    os.close(fd)


@contextlib.contextmanager
def child() -> Iterator[str]:
    process = subprocess.Popen(["sleep", "60"])
    yield f"process {process.pid}: sleep 60"
    process.kill()
    process.wait()


@contextlib.contextmanager
def child_not_waited_for() -> Iterator[str]:
    pid = os.posix_spawn("/bin/true", ["true"], {})
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    yield f"process {pid}: ended"
    os.waitpid(pid, 0)


@contextlib.contextmanager
def grandchild() -> Iterator[str]:
    script = "exec -a wherry-orphan sleep 61 >/dev/null 2>&1 & echo $!"
    pid = int(subprocess.run(["bash", "-c", script], check=True, capture_output=True).stdout)
    yield f"process {pid}: wherry-orphan 61"
    os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def control_group() -> Iterator[str]:
    unified = Path("/sys/fs/cgroup/unified")
    folder = (unified if unified.is_dir() else unified.parent) / "wherry-leak"
    folder.mkdir()
    yield f"empty control group {folder}"
    folder.rmdir()


@contextlib.contextmanager
def link() -> Iterator[str]:
    subprocess.run(["ip", "link", "add", "wherryleak0", "type", "bridge"], check=True)
    yield "link wherryleak0"
    subprocess.run(["ip", "link", "delete", "wherryleak0"], check=True)


@contextlib.contextmanager
def network_namespace() -> Iterator[str]:
    """Only its file: `ip netns add` would make /run/netns a mount point for good."""
    path = Path("/run/netns/wherry-leak")
    path.parent.mkdir(exist_ok=True)
    path.touch()
    yield f"namespace file {path}"
    path.unlink()


@contextlib.contextmanager
def table() -> Iterator[str]:
    subprocess.run(["nft", "add", "table", "ip", "wherry_leak"], check=True)
    yield "nftables table ip wherry_leak"
    subprocess.run(["nft", "delete", "table", "ip", "wherry_leak"], check=True)


THINGS = (mount, descriptor, child, child_not_waited_for, grandchild, control_group, link, network_namespace, table)


@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: thing.__name__)
def test_what_is_left_is_named_and_what_is_taken_back_is_not(thing: Callable[[], AbstractContextManager[str]]) -> None:
    before = leaks.look()
    with thing() as line:
        assert line in leaks.left_over(before)
    assert leaks.left_over(before) == []


def test_what_goes_by_itself_in_time_is_not_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaks, "PATIENCE", 3.0)
    before = leaks.look()
    started = time.monotonic()
    subprocess.run(["bash", "-c", "exec -a wherry-slow sleep 0.3 >/dev/null 2>&1 &"], check=True)
    assert leaks.left_over(before) == []
    assert time.monotonic() - started >= 0.2
