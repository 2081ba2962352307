"""What happens when the daemon dies: nothing, for the containers."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest

from tests.e2e.scenario import Scenario
from tests.support.daemon import Daemon, DaemonFailed


def test_a_container_outlives_its_daemon_with_its_log_complete(own: Scenario) -> None:
    counter = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done"
    own.docker("run", "-d", "--name", "chatty", "busybox", "sh", "-c", counter)
    pid = own.inspect("chatty")["State"]["Pid"]
    with own.step("the daemon crashes and another one starts"):
        own.daemon.kill()
        time.sleep(0.5)
        own.daemon.start()
    own.expect_state("chatty", "running")
    assert own.inspect("chatty")["State"]["Pid"] == pid
    assert own.docker("exec", "chatty", "echo", "alive").line == "alive"
    own.docker("stop", "-t", "1", "chatty")
    numbers = [int(line) for line in own.docker("logs", "chatty").stdout.split()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > 30


def test_the_exit_codes_of_containers_that_ended_meanwhile_are_known(own: Scenario) -> None:
    own.docker("run", "-d", "--name", "brief", "busybox", "sh", "-c", "sleep 0.5; exit 3")
    own.docker("run", "-d", "--name", "killed", "busybox", "sleep", "1000")
    pid = own.inspect("killed")["State"]["Pid"]
    own.daemon.kill()
    os.kill(pid, signal.SIGKILL)
    time.sleep(1)
    own.daemon.start()
    for name, code in (("brief", 3), ("killed", 137)):
        own.expect_state(name, "exited")
        assert own.inspect(name)["State"]["ExitCode"] == code


def test_auto_remove_is_made_up_for(own: Scenario) -> None:
    own.docker("run", "-d", "--rm", "--name", "brief", "busybox", "sleep", "0.5")
    own.daemon.kill()
    time.sleep(1)
    own.daemon.start()
    own.expect_gone("brief")


def test_a_paused_container_stays_paused(own: Scenario) -> None:
    own.docker("run", "-d", "--name", "held", "busybox", "sleep", "1000")
    own.docker("pause", "held")
    own.daemon.kill()
    own.daemon.start()
    own.expect_state("held", "paused")
    own.docker("unpause", "held")
    own.expect_state("held", "running")


def test_attach_works_across_daemons(own: Scenario) -> None:
    own.docker("run", "-d", "-i", "--name", "echo", "busybox", "cat")
    own.daemon.restart()
    with own.spawn("attach", "echo") as client:
        assert client.stdin and client.stdout
        client.stdin.write(b"hello\n")
        client.stdin.flush()
        assert client.stdout.readline() == b"hello\n"
        client.kill()


def test_a_second_daemon_on_the_same_root_is_refused(own: Scenario) -> None:
    second = Daemon(own.daemon.root / "second", "--data-root", f"{own.daemon.root}/data")
    second.root.mkdir()
    with pytest.raises(DaemonFailed, match="locked by another process"):
        second.start()


def test_restart_policy_always_brings_a_stopped_container_back_with_the_daemon(own: Scenario) -> None:
    own.docker("run", "-d", "--name", "always", "--restart", "always", "busybox", "sleep", "1000")
    own.docker("run", "-d", "--name", "unless", "--restart", "unless-stopped", "busybox", "sleep", "1000")
    own.docker("stop", "-t", "0", "always", "unless")
    own.daemon.restart()
    own.expect_state("always", "running")
    assert own.state("unless") == "exited"


FAILPOINTS = {
    "create:after-snapshot": ("create", "--name", "subject", "busybox", "sleep", "1000"),
    "create:before-record": ("create", "--name", "subject", "busybox", "sleep", "1000"),
    "create:after-record": ("create", "--name", "subject", "busybox", "sleep", "1000"),
    "start:after-decide": ("run", "-d", "--name", "subject", "busybox", "sleep", "1000"),
    "launch:after-mount": ("run", "-d", "--name", "subject", "busybox", "sleep", "1000"),
    "launch:after-connect": ("run", "-d", "--name", "subject", "busybox", "sleep", "1000"),
    "launch:after-spawn": ("run", "-d", "--name", "subject", "busybox", "sleep", "1000"),
    "launch:after-started": ("run", "-d", "--name", "subject", "busybox", "sleep", "1000"),
    "start:after-started": ("run", "-d", "--name", "subject", "busybox", "sleep", "1000"),
    "exit:before-decide": ("run", "-d", "--name", "subject", "busybox", "true"),
    "teardown:before-unmount": ("run", "-d", "--name", "subject", "busybox", "true"),
    "remove:before-erase": ("run", "-d", "--rm", "--name", "subject", "busybox", "true"),
    "remove:before-delete": ("run", "-d", "--rm", "--name", "subject", "busybox", "true"),
}


@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_a_kill_at_any_point_leaves_the_old_or_the_new_state(own: Scenario, failpoint: str) -> None:
    with own.step(f"the daemon dies at {failpoint}"):
        own.daemon.stop()
        own.daemon.start(faults=f"{failpoint}=kill")
        own.docker(*FAILPOINTS[failpoint], code=None)
        own.daemon.wait_dead()
    with own.step("another one starts"):
        own.daemon.start(faults="")
    listed = [json.loads(line) for line in own.docker("ps", "-a", "--format", "{{json .}}").stdout.splitlines()]
    assert len(listed) <= 1
    for container in listed:
        own.eventually(
            lambda: own.state("subject") in ("created", "running", "exited"), "the container is in a steady state"
        )
        assert container["Names"] == "subject"
    with own.step("the name can be used and everything works"):
        own.docker("rm", "-f", "subject", code=None)
        own.expect_gone("subject")
        assert own.docker("run", "--rm", "--name", "subject", "busybox", "echo", "fine").line == "fine"
    assert "Traceback" not in own.daemon.log, own.story("the daemon's log has a traceback")
