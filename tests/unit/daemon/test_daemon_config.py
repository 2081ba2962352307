"""The configuration is dockerd's in its names, and strict about everything else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from wherry import errors
from wherry.daemon import config, main
from wherry.daemon.config import Config, Host, Pool
from wherry.daemon.options import OPTIONS


def build(*argv: str, file: str | None = None, directory: Path | None = None) -> Config:
    """The configuration from a command line and the content of a file."""
    words = list(argv)
    if file is not None:
        assert directory is not None
        path = directory / "daemon.json"
        path.write_text(file)
        words += ["--config-file", str(path)]
    return main.load(main._parser().parse_args(words))


def refused(*argv: str, file: str | None = None, directory: Path | None = None) -> errors.WherryError:
    with pytest.raises(errors.InvalidArgument) as raised:
        build(*argv, file=file, directory=directory)
    return raised.value


def test_without_anything_the_defaults_hold() -> None:
    default = build()
    assert default.data_root == Path("/var/lib/wherry")
    assert default.hosts == (Host("unix", "/run/wherry/wherry.sock"),)
    assert (default.socket_mode, default.group, default.group_given) == (0o660, "wherry", False)
    assert (default.log_level, default.log_driver, default.default_runtime) == ("info", "json-file", "runc")


FLAGS_AND_FILE: list[tuple[list[str], dict[str, Any], str, Any]] = [
    (["--data-root", "/a"], {"data-root": "/a"}, "data_root", Path("/a")),
    (["-D"], {"debug": True}, "log_level", "debug"),
    (["--debug=false"], {"debug": False}, "log_level", "info"),
    (["-l", "warn"], {"log-level": "warn"}, "log_level", "warn"),
    (
        ["-H", "unix:///a", "-H", "tcp://[::1]:1"],
        {"hosts": ["unix:///a", "tcp://[::1]:1"]},
        "hosts",
        (Host("unix", "/a"), Host("tcp", "::1", 1)),
    ),
    (["--add-runtime", "x=/x"], {"runtimes": {"x": {"path": "/x"}}}, "runtimes", {"x": ("/x", ())}),
    (
        ["--log-opt", "max-size=1m", "--log-opt", "max-file=2"],
        {"log-opts": {"max-size": "1m", "max-file": "2"}},
        "log_opts",
        {"max-size": "1m", "max-file": "2"},
    ),
    (
        ["--default-address-pool", "base=10.1.0.0/16,size=24"],
        {"default-address-pools": [{"base": "10.1.0.0/16", "size": 24}]},
        "default_address_pools",
        (Pool("10.1.0.0/16", 24),),
    ),
    (["--label", "a=b"], {"labels": ["a=b"]}, "labels", ("a=b",)),
    (["--mtu", "1400"], {"mtu": 1400}, "mtu", 1400),
    (["--ip", "127.0.0.1"], {"ip": "127.0.0.1"}, "ip", "127.0.0.1"),
    (["--icc=false"], {"icc": False}, "icc", False),
    (["--bip", "172.30.0.1/24"], {"bip": "172.30.0.1/24"}, "bip", "172.30.0.1/24"),
    (["--live-restore"], {"live-restore": True}, "icc", True),
]


@pytest.mark.parametrize(("argv", "file", "field", "value"), FLAGS_AND_FILE)
def test_a_flag_and_its_key_mean_the_same(
    tmp_path: Path, argv: list[str], file: dict[str, Any], field: str, value: object
) -> None:
    assert getattr(build(*argv), field) == value
    assert getattr(build(file=json.dumps(file), directory=tmp_path), field) == value


def test_an_option_in_both_places_is_refused_in_dockers_words(tmp_path: Path) -> None:
    error = refused("-D", "--mtu", "1", file='{"debug": false, "mtu": 2}', directory=tmp_path)
    assert error.message == (
        f"unable to configure the Docker daemon with file {tmp_path}/daemon.json: the following directives are "
        "specified both as a flag and in the configuration file: debug: (from flag: true, from file: false), "
        "mtu: (from flag: 1, from file: 2)"
    )


def test_an_unknown_key_is_named_with_its_line_and_the_likely_one(tmp_path: Path) -> None:
    error = refused(file='{\n  "debug": true,\n  "log-levle": "info"\n}', directory=tmp_path)
    assert error.message.endswith("the following directives don't match any configuration option: log-levle (line 3)")
    assert error.hint == "did you mean log-level?"


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("{", "Expecting property name"),
        ("[]", "it is not a JSON object"),
        ('{"debug": "yes"}', "debug (line 1): expected true or false, got yes"),
        ('{\n"mtu": true}', "mtu (line 2): expected a number, got true"),
        ('{"hosts": "unix:///a"}', "hosts (line 1): expected a list of strings"),
        ('{"log-opts": {"max-size": 1}}', "log-opts (line 1): expected an object of strings"),
        ('{"runtimes": {"x": {}}}', "runtimes (line 1): x must be"),
        ('{"default-address-pools": [{"base": "10.0.0.1/8", "size": 9}]}', "has host bits set"),
        (
            '{"default-address-pools": [{"base": "10.0.0.0/8", "size": 7}]}',
            "subnets of size 7 do not fit into 10.0.0.0/8",
        ),
    ],
)
def test_a_wrong_file_says_what_is_wrong_where(tmp_path: Path, file: str, words: str) -> None:
    assert words in refused(file=file, directory=tmp_path).message


def test_an_empty_file_is_fine_and_a_missing_one_is_not(tmp_path: Path) -> None:
    assert build(file="", directory=tmp_path) == build()
    assert "there is no such file" in refused("--config-file", f"{tmp_path}/none").message


@pytest.mark.parametrize("host", ["tcp://0.0.0.0:2375", "tcp://192.0.2.1:2375", "tcp://[::]:1", "tcp://example.org"])
def test_a_port_that_others_reach_needs_certificates(host: str) -> None:
    error = refused("-H", host)
    assert "become root on this machine" in error.message
    assert "--tlsverify" in error.hint
    certificates = ["--tlsverify", "--tlscacert", "/c", "--tlscert", "/c", "--tlskey", "/k"]
    assert build("-H", host, *certificates).tlsverify
    assert "become root" in refused("-H", host, "--tls", "--tlscert", "/c", "--tlskey", "/k").message


def test_ports_have_dockers_defaults() -> None:
    assert build("-H", "tcp://127.0.0.1").hosts == (Host("tcp", "127.0.0.1", 2375),)
    assert build("-H", "tcp://localhost", "--tls", "--tlscert", "/c", "--tlskey", "/k").hosts == (
        Host("tcp", "localhost", 2376),
    )


@pytest.mark.parametrize(
    ("name", "argv"),
    [
        ("hosts", ["-H", "http://x"]),
        ("hosts", ["-H", "/run/x.sock"]),
        ("hosts", ["-H", "unix://relative"]),
        ("hosts", ["-H", "tcp://127.0.0.1:99999"]),
        ("hosts", ["-H", "tcp://127.0.0.1:1:2"]),
        ("data-root", ["--data-root", "relative"]),
        ("log-level", ["--log-level", "loud"]),
        ("--mtu", ["--mtu", "x"]),
        ("mtu", ["--mtu", "-1"]),
        ("labels", ["--label", "novalue"]),
        ("--add-runtime", ["--add-runtime", "x"]),
        ("bip", ["--bip", "172.30.0.1"]),
        ("bip", ["--bip", "300.0.0.1/8"]),
        ("bip", ["--bridge", "br0", "--bip", "172.30.0.1/16"]),
        ("ip", ["--ip", "localhost"]),
        ("fixed-cidr", ["--fixed-cidr", "172.30.0.0/24"]),
        ("default-ulimits", ["--default-ulimit", "nofile=1"]),
        ("exec-opts", ["--exec-opt", "native.cgroupdriver=systemd"]),
        ("socket-mode", ["--socket-mode", "999"]),
        ("tlscert", ["--tlsverify"]),
        ("--debug", ["--debug=maybe"]),
        ("live-restore", ["--live-restore=false"]),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_option(name: str, argv: list[str]) -> None:
    assert refused(*argv).message.startswith(f"{name}: ")


def test_every_option_can_be_given_in_both_ways() -> None:
    flags = {option.long for option in OPTIONS}
    assert len(flags) == len(OPTIONS)
    fields = set(config.Config.__slots__)
    unread = {"debug", "exec-opts", "live-restore", "default-ulimits", "fixed-cidr"}
    assert {option.field for option in OPTIONS if option.key not in unread} <= fields


def test_validate_answers_without_starting(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["--validate"]) == 0
    assert capsys.readouterr().out == "configuration OK\n"
    assert main.main(["--validate", "-H", "tcp://0.0.0.0:1"]) == 1
    assert capsys.readouterr().err.startswith("wherryd: hosts: tcp://0.0.0.0:1 would let everybody")
