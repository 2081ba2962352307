"""Control groups of the running kernel, in whichever interface is mounted."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator

import pytest

from wherry.linux import cgroups

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def group() -> Iterator[cgroups.Cgroup]:
    made = cgroups.at(f"/wherry-unit-{uuid.uuid4().hex[:8]}/inner")
    made.create()
    yield made
    if made.frozen():
        made.thaw()
    made.kill()
    until(lambda: not made.pids())
    parent = cgroups.at(os.path.dirname(made.path))
    parent.remove()
    parent.remove()


@pytest.fixture
def sleeper(group: cgroups.Cgroup) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as process:
        group.add(process.pid)
        yield process
        process.kill()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_process_is_found_in_the_group_it_was_added_to(group: cgroups.Cgroup, sleeper: subprocess.Popen[bytes]) -> None:
    assert cgroups.of_pid(sleeper.pid).path == group.path
    assert group.pids() == [sleeper.pid]
    assert group.tasks().current == 1


def test_creating_twice_changes_nothing(group: cgroups.Cgroup, sleeper: subprocess.Popen[bytes]) -> None:
    group.create()
    assert group.pids() == [sleeper.pid]


def test_frozen_group_thaws(group: cgroups.Cgroup, sleeper: subprocess.Popen[bytes]) -> None:
    assert not group.frozen()
    group.freeze()
    until(group.frozen)
    group.thaw()
    until(lambda: not group.frozen())
    assert sleeper.poll() is None


def test_kill_reaches_processes_in_groups_below(group: cgroups.Cgroup, sleeper: subprocess.Popen[bytes]) -> None:
    cgroups.at(os.path.dirname(group.path)).kill()
    assert sleeper.wait(10) == -signal.SIGKILL


def test_group_with_processes_cannot_be_removed(group: cgroups.Cgroup, sleeper: subprocess.Popen[bytes]) -> None:
    with pytest.raises(OSError, match="busy"):
        group.remove()
    assert group.pids() == [sleeper.pid]
