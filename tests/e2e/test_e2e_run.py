"""`run` and the verbs around it, with the real docker client."""

from __future__ import annotations

import json
import re
import time

import pytest

from tests.e2e.scenario import Scenario


def test_run_prints_what_the_container_prints(scenario: Scenario) -> None:
    done = scenario.docker("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2")
    assert (done.stdout, done.stderr) == ("out\n", "err\n")


@pytest.mark.parametrize("code", [0, 1, 42, 255])
def test_run_ends_with_the_exit_code_of_the_container(scenario: Scenario, code: int) -> None:
    scenario.docker("run", "--rm", "busybox", "sh", "-c", f"exit {code}", code=code)


def test_stdin_reaches_the_container_and_its_end_too(scenario: Scenario) -> None:
    text = b"".join(b"line %d\n" % n for n in range(20_000))
    assert scenario.docker("run", "--rm", "-i", "busybox", "cat", stdin=text).stdout.encode() == text


def test_large_output_arrives_complete(scenario: Scenario) -> None:
    done = scenario.docker("run", "--rm", "busybox", "sh", "-c", "seq 1 300000")
    assert done.stdout.split()[-1] == "300000"
    assert len(done.stdout.split()) == 300_000


def test_an_unknown_program_is_127_and_leaves_nothing_with_rm(scenario: Scenario) -> None:
    done = scenario.docker("run", "--rm", "--name", "nope", "busybox", "nosuchprogram", code=127)
    assert "executable file not found in $PATH" in done.stderr
    scenario.expect_gone("nope")


def test_a_directory_as_program_is_126(scenario: Scenario) -> None:
    assert "permission denied" in scenario.docker("run", "--rm", "busybox", "/etc", code=126).stderr


def test_an_unknown_image_is_125_and_named(scenario: Scenario) -> None:
    assert "nosuchimage" in scenario.docker("run", "--rm", "nosuchimage:1", "true", code=125).stderr


def test_the_container_has_its_own_hostname_processes_and_mounts(scenario: Scenario) -> None:
    script = "hostname; echo $$; ls /proc | grep -c '^[0-9]'; id -u; cat /proc/1/comm; true"
    lines = scenario.docker("run", "--rm", "-h", "boat", "busybox", "sh", "-c", script).stdout.split()
    assert lines[:2] == ["boat", "1"]
    assert int(lines[2]) < 6
    assert lines[3:] == ["0", "sh"]


def test_default_isolation_is_dockers(scenario: Scenario) -> None:
    script = (
        "grep -E 'CapEff|CapInh|CapBnd|Seccomp:|NoNewPrivs' /proc/self/status;"
        " cat /proc/kcore | wc -c; echo 1 > /proc/sys/kernel/panic"
    )
    done = scenario.docker("run", "--rm", "busybox", "sh", "-c", script, code=1)
    status = dict(line.split(":\t") for line in done.stdout.splitlines() if ":\t" in line)
    assert status["CapEff"] == status["CapBnd"] == "00000000a80425fb"
    assert status["CapInh"] == "0" * 16
    assert status["Seccomp"] == "2"
    assert "Read-only file system" in done.stderr


def test_only_three_descriptors_are_open_in_a_container(scenario: Scenario) -> None:
    fds = scenario.docker("run", "--rm", "busybox", "sh", "-c", "ls /proc/1/fd; true").stdout.split()
    assert set(fds) <= {"0", "1", "2"}


@pytest.mark.parametrize("terminal", [False, True])
def test_detached_containers_run_until_stopped(scenario: Scenario, terminal: bool) -> None:
    options = ["-t"] if terminal else []
    name = scenario.docker("run", "-d", *options, "busybox", "sleep", "1000").line
    scenario.expect_state(name, "running")
    scenario.docker("stop", "-t", "1", name)
    scenario.expect_state(name, "exited")
    assert scenario.inspect(name)["State"]["ExitCode"] == 137


def test_stop_sends_the_stop_signal_first(scenario: Scenario) -> None:
    script = "trap 'echo got it; exit 7' TERM; while :; do sleep 0.05; done"
    scenario.docker("run", "-d", "--name", "polite", "busybox", "sh", "-c", script)
    scenario.docker("stop", "polite")
    assert scenario.inspect("polite")["State"]["ExitCode"] == 7
    assert scenario.docker("logs", "polite").stdout == "got it\n"


def test_kill_sends_any_signal(scenario: Scenario) -> None:
    script = "trap 'echo hup' HUP; echo ready; while :; do sleep 0.05; done"
    scenario.docker("run", "-d", "--name", "target", "busybox", "sh", "-c", script)
    scenario.eventually(lambda: "ready" in scenario.docker("logs", "target").stdout, "it is ready")
    scenario.docker("kill", "-s", "HUP", "target")
    scenario.eventually(lambda: "hup" in scenario.docker("logs", "target").stdout, "the signal arrived")
    scenario.expect_state("target", "running")
    scenario.docker("kill", "target")
    scenario.expect_state("target", "exited")
    assert "is not running" in scenario.docker("kill", "target", code=1).stderr


def test_wait_gives_the_exit_code(scenario: Scenario) -> None:
    scenario.docker("run", "-d", "--name", "short", "busybox", "sh", "-c", "sleep 0.3; exit 9")
    assert scenario.docker("wait", "short").line == "9"


def test_create_then_start_attached(scenario: Scenario) -> None:
    scenario.docker("create", "--name", "later", "busybox", "echo", "hello")
    scenario.expect_state("later", "created")
    assert scenario.docker("start", "-a", "later").stdout == "hello\n"
    assert scenario.docker("start", "-a", "later").stdout == "hello\n"


def test_names_are_unique_and_can_be_changed(scenario: Scenario) -> None:
    first = scenario.docker("create", "--name", "one", "busybox").line
    refused = scenario.docker("create", "--name", "one", "busybox", code=1).stderr
    assert f'The container name "/one" is already in use by container "{first}"' in refused
    scenario.docker("rename", "one", "two")
    scenario.docker("create", "--name", "one", "busybox")
    assert scenario.inspect("two")["Id"] == first


def test_rm_refuses_a_running_container_unless_forced(scenario: Scenario) -> None:
    scenario.docker("run", "-d", "--name", "busy", "busybox", "sleep", "1000")
    refused = scenario.docker("rm", "busy", code=1).stderr
    assert "container is running: stop the container before removing or force remove" in refused
    scenario.docker("rm", "-f", "busy")
    scenario.expect_gone("busy")


def test_pause_stops_time_for_a_container(scenario: Scenario) -> None:
    scenario.docker("run", "-d", "--name", "held", "busybox", "sleep", "1000")
    scenario.docker("pause", "held")
    assert scenario.state("held") == "paused"
    assert "is already paused" in scenario.docker("pause", "held", code=1).stderr
    assert "is paused" in scenario.docker("exec", "held", "true", code=1).stderr
    scenario.docker("unpause", "held")
    assert scenario.state("held") == "running"
    assert "is not paused" in scenario.docker("unpause", "held", code=1).stderr


def test_exec_runs_in_the_same_container(scenario: Scenario) -> None:
    scenario.docker("run", "-d", "--name", "host", "-e", "A=1", "busybox", "sleep", "1000")
    assert (
        scenario.docker("exec", "-e", "B=2", "-w", "/tmp", "host", "sh", "-c", "echo $A$B; pwd").stdout == "12\n/tmp\n"
    )
    scenario.docker("exec", "host", "sh", "-c", "exit 5", code=5)
    assert scenario.docker("exec", "-i", "host", "cat", stdin=b"in").stdout == "in"
    assert (
        "executable file not found" in scenario.docker("exec", "host", "nosuch", code=127).stdout + scenario._told[-1]
    )
    assert scenario.docker("exec", "-u", "1000:1000", "host", "id", "-u").line == "1000"


def test_ps_lists_and_filters(scenario: Scenario) -> None:
    scenario.docker("run", "-d", "--name", "up", "--label", "kind=x", "busybox", "sleep", "1000")
    scenario.docker("create", "--name", "made", "--label", "kind=y", "busybox")
    names = "{{.Names}}"
    assert scenario.docker("ps", "--format", names).stdout.split() == ["up"]
    assert scenario.docker("ps", "-a", "--format", names).stdout.split() == ["made", "up"]
    assert scenario.docker("ps", "-a", "--filter", "label=kind=y", "--format", names).line == "made"
    assert scenario.docker("ps", "--filter", "status=created", "--format", names).line == "made"
    assert re.match(r"Up (Less than a second|\d+ seconds?)", scenario.docker("ps", "--format", "{{.Status}}").line)


def test_top_shows_processes(scenario: Scenario) -> None:
    scenario.docker("run", "-d", "--name", "busy", "busybox", "sleep", "1000")
    lines = scenario.docker("top", "busy").stdout.splitlines()
    assert "PID" in lines[0]
    assert lines[1].endswith("sleep 1000")


def test_logs_tail_since_and_timestamps(scenario: Scenario) -> None:
    scenario.docker("run", "--name", "lines", "busybox", "sh", "-c", "for i in 1 2 3; do echo $i; done; echo e >&2")
    assert scenario.docker("logs", "lines").stdout == "1\n2\n3\n"
    assert scenario.docker("logs", "lines").stderr == "e\n"
    assert scenario.docker("logs", "--tail", "2", "lines").stdout == "3\n"
    assert re.match(r"\d{4}-\d\d-\d\dT[\d:]+\.\d{9}Z 1\n", scenario.docker("logs", "-t", "lines").stdout)
    assert scenario.docker("logs", "--since", "1h", "lines").stdout == "1\n2\n3\n"


def test_logs_follow_until_the_end(scenario: Scenario) -> None:
    scenario.docker("run", "-d", "--name", "flow", "busybox", "sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.2; done")
    assert scenario.docker("logs", "-f", "flow").stdout == "1\n2\n3\n"


def test_restart_policies_restart(scenario: Scenario) -> None:
    scenario.docker("run", "-d", "--name", "again", "--restart", "on-failure:2", "busybox", "false")
    scenario.eventually(
        lambda: scenario.inspect("again")["RestartCount"] == 2 and scenario.state("again") == "exited",
        "gave up after 2",
    )


def test_auto_remove_removes(scenario: Scenario) -> None:
    scenario.docker("run", "-d", "--rm", "--name", "gone", "busybox", "sleep", "0.2")
    scenario.expect_gone("gone")


def test_events_tell_the_life_of_a_container(scenario: Scenario) -> None:
    scenario.docker("run", "--rm", "--name", "told", "busybox", "true")
    now = int(time.time()) + 1
    shown = ("--filter", "container=told", "--format", "{{.Action}}")
    events = scenario.docker("events", "--since", "1m", "--until", str(now), *shown)
    assert events.stdout.split() == ["create", "attach", "start", "die", "destroy"]


def test_binds_tmpfs_and_read_only(scenario: Scenario, tmp_path: object) -> None:
    done = scenario.docker(
        *("run", "--rm", "--read-only", "--tmpfs", "/scratch:size=1m", "-v", f"{tmp_path}:/data", "-v", "named:/vol"),
        *("busybox", "sh", "-c", "echo x > /data/f && echo y > /scratch/f && echo z > /vol/f && echo n > /f"),
        code=1,
    )
    assert "Read-only file system" in done.stderr
    assert (tmp_path / "f").read_text() == "x\n"  # type: ignore[operator]
    assert scenario.docker("run", "--rm", "-v", "named:/vol", "busybox", "cat", "/vol/f").line == "z"
    scenario.docker("volume", "rm", "named")


def test_limits_reach_the_kernel(scenario: Scenario) -> None:
    script = (
        "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max 2>/dev/null"
        " || cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max"
    )
    done = scenario.docker("run", "--rm", "-m", "64m", "--pids-limit", "50", "busybox", "sh", "-c", script)
    assert done.stdout.split() == ["67108864", "50"]


def test_out_of_memory_is_told(scenario: Scenario) -> None:
    script = "dd if=/dev/zero of=/dev/shm/x bs=1M count=60"
    scenario.docker("run", "--name", "big", "-m", "16m", "--shm-size", "64m", "busybox", "sh", "-c", script, code=None)
    assert scenario.inspect("big")["State"]["OOMKilled"] is True


def test_inspect_echoes_the_request(scenario: Scenario) -> None:
    scenario.docker(
        "create", "--name", "made", "-e", "A=1", "-p", "127.0.0.1:8080:80", "--label", "a=b", "busybox", "sleep", "1"
    )
    seen = scenario.inspect("made")
    assert seen["Name"] == "/made"
    assert (seen["Path"], seen["Args"]) == ("sleep", ["1"])
    assert "A=1" in seen["Config"]["Env"]
    assert seen["Config"]["Labels"] == {"a": "b"}
    assert seen["HostConfig"]["PortBindings"] == {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]}
    assert seen["State"]["StartedAt"] == "0001-01-01T00:00:00Z"


def test_prune_removes_what_has_ended(scenario: Scenario) -> None:
    ended = scenario.docker("create", "busybox").line
    scenario.docker("run", "-d", "--name", "stays", "busybox", "sleep", "1000")
    assert ended in scenario.docker("container", "prune", "-f").stdout
    assert scenario.docker("ps", "-a", "--format", "{{.Names}}").stdout.split() == ["stays"]


def test_info_and_version_answer(scenario: Scenario) -> None:
    info = json.loads(scenario.docker("info", "--format", "{{json .}}").stdout)
    assert info["Driver"] == "overlay2"
    assert "runc" in info["Runtimes"]
    assert scenario.docker("version", "--format", "{{.Server.APIVersion}}").line
    assert scenario.docker("system", "df").stdout.startswith("TYPE")


def test_crun_is_a_runtime_too(scenario: Scenario) -> None:
    assert scenario.docker("run", "--rm", "--runtime", "crun", "busybox", "echo", "hi").line == "hi"
    assert (
        "unknown or invalid runtime name: nope"
        in scenario.docker("run", "--runtime", "nope", "busybox", code=125).stderr
    )
