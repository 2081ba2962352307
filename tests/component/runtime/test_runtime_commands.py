"""The command lines are the ones that real runtimes understand."""

from __future__ import annotations

import json
import os
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from wherry.linux import cgroups
from wherry.runtime import binaries, bundle, spec
from wherry.runtime.spec import resources


class Running:
    """A container that sleeps, started and left to itself as a shim would do."""

    def __init__(self, runtime: binaries.Runtime, rootfs: Path, exec_root: Path) -> None:
        self.id = f"wherry-test-{uuid.uuid4().hex[:12]}"
        self.runtime = runtime
        self.host = spec.Host.probe(binaries.features(runtime))
        self.settings = spec.Settings(
            process=spec.Process(args=("sleep", "600"), env=("PATH=/bin",)),
            rootfs=str(rootfs),
            cgroup_path=f"/wherry-test/{self.id}",
        )
        self.bundle = bundle.create(exec_root, self.id, spec.build(self.settings, self.host))
        self.commands = binaries.Commands(runtime, runtime.executable(), exec_root / "state")
        self.log = str(self.bundle / "runtime.log")
        pid_file = self.bundle / "pid"
        self.check(self.commands.run(self.id, bundle=str(self.bundle), pid_file=str(pid_file), log=self.log))
        self.pid = int(pid_file.read_text())

    def call(self, command: list[str]) -> subprocess.CompletedProcess[bytes]:
        """Output goes to a file: with a pipe we would wait for the container, which keeps it open."""
        with open(self.bundle / "output", "w+b") as output:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=60, check=False
            )
            output.seek(0)
            return subprocess.CompletedProcess(command, done.returncode, output.read())

    def check(self, command: list[str]) -> bytes:
        done = self.call(command)
        log = Path(self.log).read_bytes() if os.path.exists(self.log) else b""
        assert done.returncode == 0, (done.stdout, binaries.error_from_log(log))
        output: bytes = done.stdout
        return output

    def status(self) -> str:
        state: str = json.loads(self.check(self.commands.state(self.id, log=self.log)))["status"]
        return state


@pytest.fixture
def running(runtime: binaries.Runtime, rootfs: Path, tmp_path: Path) -> Iterator[Running]:
    container = Running(runtime, rootfs, tmp_path)
    yield container
    container.call(container.commands.delete(container.id, log=container.log, force=True))
    bundle.remove(tmp_path, container.id)
    cgroups.at("/wherry-test").remove()


def test_pid_file_names_a_process_in_the_asked_cgroup(running: Running) -> None:
    group = cgroups.of_pid(running.pid)
    assert group.path == running.settings.cgroup_path
    assert group.pids() == [running.pid]
    assert running.status() == "running"


def test_pause_freezes_and_resume_thaws(running: Running) -> None:
    group = cgroups.of_pid(running.pid)
    running.check(running.commands.pause(running.id, log=running.log))
    assert (running.status(), group.frozen()) == ("paused", True)
    running.check(running.commands.resume(running.id, log=running.log))
    assert (running.status(), group.frozen()) == ("running", False)


def test_ps_lists_the_processes(running: Running) -> None:
    assert json.loads(running.check(running.commands.ps(running.id, log=running.log))) == [running.pid]


def test_update_changes_limits(running: Running) -> None:
    limits = spec.Resources(memory=32 << 20, memory_swap=64 << 20, pids_limit=20)
    file = running.bundle / "resources.json"
    file.write_bytes(msgspec.json.encode(resources.section(limits, running.host.cgroup)))
    running.check(running.commands.update(running.id, resources=str(file), log=running.log))
    group = cgroups.of_pid(running.pid)
    assert (group.memory().limit, group.tasks().limit) == (32 << 20, 20)


@pytest.mark.requires("a crun that can lift pids.max: newer than 1.8")
def test_update_lifts_a_limit_on_processes(running: Running) -> None:
    if running.runtime.name == "crun":
        pytest.skip("crun 1.8 writes -1 to pids.max, which the kernel refuses")
    file = running.bundle / "resources.json"
    for limit in (20, 0):
        section = resources.section(spec.Resources(pids_limit=limit), running.host.cgroup)
        file.write_bytes(msgspec.json.encode(section))
        running.check(running.commands.update(running.id, resources=str(file), log=running.log))
    assert cgroups.of_pid(running.pid).tasks().limit is None


def test_exec_adds_a_process_with_its_own_user_and_capabilities(running: Running) -> None:
    process = spec.Process(
        args=("sh", "-c", "id -u; pwd; echo $A; grep CapBnd /proc/self/status; exec sleep 600"),
        env=("PATH=/bin", "A=b"),
        cwd="/tmp",
        user=spec.User(1000, 1001),
        cap_drop=("ALL",),
        cap_add=("CHOWN",),
    )
    file = bundle.add_process(running.bundle, "one", spec.exec_process(process, running.host))
    pid_file = running.bundle / "exec-one.pid"
    command = running.commands.exec(running.id, process=str(file), pid_file=str(pid_file), log=running.log)
    running.check(command)
    pid = int(pid_file.read_text())
    deadline = time.monotonic() + 10
    while (output := (running.bundle / "output").read_text()).count("\n") < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert output.split() == ["1000", "/tmp", "b", "CapBnd:", "0000000000000001"]
    assert set(cgroups.of_pid(running.pid).pids()) == {running.pid, pid}


def test_kill_ends_the_process_and_delete_forgets_it(running: Running) -> None:
    running.check(running.commands.kill(running.id, 9, log=running.log))
    deadline = time.monotonic() + 10
    while running.status() != "stopped" and time.monotonic() < deadline:
        time.sleep(0.01)
    running.check(running.commands.delete(running.id, log=running.log))
    assert running.call(running.commands.state(running.id, log=running.log)).returncode != 0
    assert not cgroups.at(running.settings.cgroup_path).pids()


def test_group_kill_ends_all_processes(running: Running) -> None:
    group = cgroups.of_pid(running.pid)
    group.kill()
    deadline = time.monotonic() + 10
    while group.pids() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert running.status() == "stopped"


def test_statistics_of_a_running_container_are_counted(running: Running) -> None:
    group = cgroups.of_pid(running.pid)
    assert group.cpu().usage > 0
    assert 0 < group.memory().usage <= group.memory().peak
    assert group.tasks().current == 1
    assert group.oom_kills() == 0
