"""OCI runtimes as configured, their command lines and what is read of them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from wherry import errors
from wherry.runtime import binaries
from wherry.runtime.binaries import Commands, Runtime, Runtimes
from wherry.runtime.spec import Features

COMMANDS = Commands(Runtime("runc", "runc", ("--debug",)), "/usr/bin/runc", Path("/run/w"))
GLOBAL = ["/usr/bin/runc", "--debug", "--root", "/run/w", "--log", "log", "--log-format", "json"]


def test_runc_is_the_default_and_others_are_found_by_name() -> None:
    added = Runtime("mine", "/opt/mine", ("--flag",))
    runtimes = Runtimes((added,))
    assert runtimes.get() == runtimes.get("runc") == Runtime("runc", "runc")
    assert runtimes.get("mine") is added
    assert set(runtimes.all()) == {"runc", "crun", "mine"}
    assert Runtimes((added,), default="mine").get() is added


def test_unknown_runtime_is_refused_in_dockers_words() -> None:
    with pytest.raises(errors.InvalidArgument) as caught:
        Runtimes().get("bogus")
    assert caught.value.message == "unknown or invalid runtime name: bogus"
    with pytest.raises(binaries.UnknownRuntime):
        Runtimes(default="bogus")


def test_name_of_the_default_cannot_be_taken() -> None:
    with pytest.raises(binaries.ReservedName, match="runtime name 'runc' is reserved"):
        Runtimes((Runtime("runc", "/opt/evil"),))


def test_executable_is_absolute_or_missing_with_a_hint(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.touch(0o755)
    assert Runtime("x", str(program)).executable() == str(program)
    assert Runtime("sh", "sh").executable().startswith("/")
    with pytest.raises(binaries.NotInstalled) as caught:
        Runtime("x", "/nowhere/x").executable()
    assert caught.value.hint


def test_command_lines() -> None:
    assert COMMANDS.run("c", bundle="b", pid_file="p", log="log", console_socket="s") == [
        *GLOBAL,
        *("run", "--detach", "--bundle", "b", "--pid-file", "p", "--console-socket", "s", "c"),
    ]
    assert COMMANDS.exec("c", process="x.json", pid_file="p", log="log") == [
        *GLOBAL,
        *("exec", "--detach", "--process", "x.json", "--pid-file", "p", "c"),
    ]
    assert COMMANDS.pause("c", log="log") == [*GLOBAL, "pause", "c"]
    assert COMMANDS.resume("c", log="log") == [*GLOBAL, "resume", "c"]
    assert COMMANDS.kill("c", 9, log="log", everyone=True) == [*GLOBAL, "kill", "--all", "c", "9"]
    assert COMMANDS.delete("c", log="log", force=True) == [*GLOBAL, "delete", "--force", "c"]
    assert COMMANDS.update("c", resources="r", log="log") == [*GLOBAL, "update", "--resources", "r", "c"]
    assert COMMANDS.state("c", log="log") == [*GLOBAL, "state", "c"]
    assert COMMANDS.ps("c", log="log") == [*GLOBAL, "ps", "--format", "json", "c"]


@pytest.mark.parametrize(
    ("log", "message"),
    [
        (b"", ""),
        (b'{"level":"warning","msg":"hm","time":"t"}\n', ""),
        (b'{"level":"error","msg":"one"}\n{"level":"error","msg":"two"}\n{"level":"info","msg":"three"}\n', "two"),
        (
            b'{"msg":"executable file `x` not found in $PATH", "level":"error"}',
            "executable file `x` not found in $PATH",
        ),
        (b'{"level":"error","msg":"one"}\n\nsomething plain\n', "something plain"),
        (b'{"level":"error","msg":"cut', '{"level":"error","msg":"cut'),
        (b"\xff\n", "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_last_error_of_a_log_is_found(log: bytes, message: str) -> None:
    assert binaries.error_from_log(log) == message


def test_features_are_read_as_far_as_they_matter() -> None:
    document = b'{"ociVersionMin":"1.0.0","mountOptions":["ro","rro"],"linux":{"namespaces":["pid","time"],"x":{}}}'
    found = binaries.parse_features(document)
    assert found == Features(frozenset({"pid", "time"}), frozenset({"ro", "rro"}))
    assert binaries.parse_features(b"{}") == Features()
    with pytest.raises(msgspec.DecodeError):
        binaries.parse_features(b"unknown command")


def test_runtime_without_features_has_nothing_optional() -> None:
    assert binaries.features(Runtime("false", "false")) == Features()


def test_crun_is_refused_on_an_incomplete_v1_with_the_remedy() -> None:
    with pytest.raises(errors.FailedPrecondition) as caught:
        binaries.check_hierarchies(Runtime("fast", "/usr/bin/crun"), ("hugetlb", "misc"))
    assert caught.value.message.endswith("left to v2: hugetlb, misc")
    assert "mount -t cgroup -o misc cgroup /sys/fs/cgroup/misc" in caught.value.hint
    binaries.check_hierarchies(Runtime("fast", "/usr/bin/crun"), ())
    binaries.check_hierarchies(Runtime("runc", "runc"), ("hugetlb",))


def test_cgroup_driver_is_cgroupfs() -> None:
    binaries.check_cgroup_driver("cgroupfs")
    with pytest.raises(errors.Unsupported):
        binaries.check_cgroup_driver("systemd")
    with pytest.raises(errors.InvalidArgument):
        binaries.check_cgroup_driver("bogus")
