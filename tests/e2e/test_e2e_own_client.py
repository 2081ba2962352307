"""The same life with our own command line: what a user of `alias docker=wherry` sees."""

from __future__ import annotations

import json

from tests.e2e.scenario import Scenario


def test_run_prints_and_returns_what_the_container_does(scenario: Scenario) -> None:
    done = scenario.wherry("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2; exit 3", code=3)
    assert (done.stdout, done.stderr) == ("out\n", "err\n")


def test_stdin_reaches_the_container(scenario: Scenario) -> None:
    assert scenario.wherry("run", "--rm", "-i", "busybox", "cat", stdin=b"typed").stdout == "typed"


def test_an_unknown_program_is_127(scenario: Scenario) -> None:
    assert "executable file not found" in scenario.wherry("run", "--rm", "busybox", "nosuch", code=127).stderr


def test_both_clients_show_the_same(scenario: Scenario) -> None:
    scenario.wherry("run", "-d", "--name", "shown", "-p", "127.0.0.1::80", "busybox", "sleep", "1000")
    for command in (
        ("ps", "--no-trunc", "--format", "{{json .Names}} {{.Image}} {{.Command}} {{.Ports}} {{.State}}"),
        ("images", "--format", "{{.Repository}}:{{.Tag}} {{.ID}} {{.Size}}"),
        ("port", "shown"),
        ("inspect", "--format", "{{.Name}} {{.State.Status}} {{json .Config.Cmd}}", "shown"),
        ("network", "ls", "--format", "{{.Name}} {{.Driver}} {{.Scope}}"),
        ("top", "shown", "-o", "pid,comm"),
    ):
        assert scenario.wherry(*command).stdout == scenario.docker(*command).stdout


def test_exec_logs_stop_and_rm(scenario: Scenario) -> None:
    scenario.wherry("run", "-d", "--name", "life", "busybox", "sh", "-c", "echo one; exec sleep 1000")
    assert scenario.wherry("exec", "life", "echo", "inside").line == "inside"
    assert scenario.wherry("logs", "life").line == "one"
    scenario.wherry("stop", "-t", "0", "life")
    assert json.loads(scenario.wherry("inspect", "life").stdout)[0]["State"]["Status"] == "exited"
    scenario.wherry("rm", "life")
    assert "No such container: life" in scenario.wherry("start", "life", code=1).stderr


def test_an_image_travels_through_an_archive(scenario: Scenario) -> None:
    archive = scenario.daemon.root / "saved.tar"
    scenario.wherry("tag", "busybox", "moved:1")
    scenario.wherry("save", "-o", str(archive), "moved:1")
    scenario.wherry("rmi", "moved:1")
    assert scenario.wherry("load", "-i", str(archive)).line == "Loaded image: moved:1"
    scenario.wherry("rmi", "moved:1")


def test_what_is_missing_says_so(scenario: Scenario) -> None:
    refused = scenario.wherry("build", ".", code=1)
    assert "not implemented" in refused.stderr
