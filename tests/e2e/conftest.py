"""End-to-end tests run in a network and a mount namespace of their own, so that the machine's stay as they are."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.scenario import Scenario
from tests.support.daemon import Daemon
from wherry.linux import cgroups, syscalls


@pytest.fixture(scope="session", autouse=True)
def own_namespaces() -> Iterator[None]:
    syscalls.unshare(syscalls.CLONE_NEWNET | syscalls.CLONE_NEWNS)
    syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE, None)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    if not cgroups.missing_v1():
        yield
        return
    # crun refuses hosts that leave a controller to v2 while v1 is in use, as some test machines do.
    controllers = f"{cgroups.detect.mounted().unified}/cgroup.controllers"
    syscalls.mount("/dev/null", controllers, None, syscalls.MS_BIND, None)
    yield
    syscalls.umount2(controllers, syscalls.MNT_DETACH)


@pytest.fixture(scope="session")
def root(own_namespaces: None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="wherry-e2e-") as directory:
        yield Path(directory)


@pytest.fixture(scope="module")
def running_daemon(root: Path) -> Iterator[Daemon]:
    """One daemon with a busybox image for all tests of a module that only use it.

    Not for all modules: two daemons in one network namespace would share bridge and firewall table, and a daemon of a
    test's own would take them away from this one.
    """
    daemon = Daemon(Path(tempfile.mkdtemp(prefix="shared-", dir=root))).start()
    try:
        scenario = Scenario(daemon)
        scenario.wherry("system", "bootstrap-image", timeout=60)
        yield daemon
    finally:
        Scenario(daemon).clean()
        daemon.stop()


@pytest.fixture
def scenario(running_daemon: Daemon) -> Iterator[Scenario]:
    scenario = Scenario(running_daemon)
    yield scenario
    scenario.clean()


@pytest.fixture
def own(own_namespaces: None, tmp_path: Path) -> Iterator[Scenario]:
    """A scenario with a daemon of its own, for tests that crash or configure it."""
    daemon = Daemon(tmp_path).start()
    scenario = Scenario(daemon)
    scenario.wherry("system", "bootstrap-image", timeout=60)
    yield scenario
    if daemon.process is None or daemon.process.poll() is not None:
        daemon.start(faults="")
    scenario.clean()
    daemon.stop()
