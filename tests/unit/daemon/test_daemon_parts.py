"""The small parts around the engine: the log's form, sd_notify, the listening sockets, the start's imports."""

from __future__ import annotations

import logging
import re
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from wherry import errors
from wherry.daemon import listeners, logs, main, storage
from wherry.daemon.config import Config
from wherry.daemon.notify import notify
from wherry.snapshots.catalogue import SCHEMA
from wherry.snapshots.native import Native
from wherry.state.database import Database


def test_a_log_line_is_key_value_and_one_line() -> None:
    record = logging.LogRecord("wherry.engine.x", logging.WARNING, "", 0, 'a "b"\n%s', ("c",), None)
    line = logs.KeyValue().format(record)
    assert re.fullmatch(
        r'time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=warning msg="a \\"b\\"\\nc" logger=engine\.x', line
    )


def test_a_traceback_follows_its_line() -> None:
    try:
        raise ValueError("oops")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "failed", (), sys.exc_info())
    first, *rest = logs.KeyValue().format(record).splitlines()
    assert first.endswith('level=error msg="failed" logger=x')
    assert rest[-1] == "ValueError: oops"


def test_the_service_manager_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"{tmp_path}/notify")
        monkeypatch.setenv("NOTIFY_SOCKET", f"{tmp_path}/notify")
        notify("READY=1", "MAINPID=7")
        assert manager.recv(100) == b"READY=1\nMAINPID=7"


def test_nobody_is_told_when_nobody_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", f"{tmp_path}/absent")
    notify("READY=1")


def config_for(*argv: str) -> Config:
    return main.load(main._parser().parse_args(list(argv)))


def test_a_unix_socket_has_its_mode_and_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "a" / "s"
    config = config_for("-H", f"unix://{path}", "--group", "0", "--socket-mode", "600")
    [(sock, tls)] = listeners.open_all(config)
    with sock:
        assert tls is None
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    listeners.remove_files(config)
    assert not path.exists()


def test_a_group_that_was_asked_for_must_exist(tmp_path: Path) -> None:
    with pytest.raises(errors.InvalidArgument, match="group nobody-has-this not found"):
        listeners.open_all(config_for("-H", f"unix://{tmp_path}/s", "--group", "nobody-has-this"))


def test_one_bad_host_leaves_no_socket_open(tmp_path: Path) -> None:
    config = config_for("-H", f"unix://{tmp_path}/s", "-H", "fd://")
    with pytest.raises(errors.Unavailable):
        listeners.open_all(config)
    with socket.socket(socket.AF_UNIX) as probe, pytest.raises(ConnectionRefusedError):
        probe.connect(f"{tmp_path}/s")


def test_a_data_root_keeps_its_storage(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "state.db", [SCHEMA])
    try:
        assert isinstance(storage.open_snapshotter(tmp_path / "snapshots", "vfs", database), Native)
        assert isinstance(storage.open_snapshotter(tmp_path / "snapshots", "", database), Native)
        with pytest.raises(storage.OtherStorage):
            storage.open_snapshotter(tmp_path / "snapshots", "overlay2", database)
        with pytest.raises(storage.UnknownStorage):
            storage.open_snapshotter(tmp_path / "snapshots", "zfs", database)
    finally:
        database.close()


def test_help_and_mistakes_import_nothing_heavy() -> None:
    code = "import sys; from wherry.daemon.main import main; main(['--validate']); print(*sys.modules, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": "src"}
    )
    heavy = {"asyncio", "msgspec", "sqlite3", "httptools", "ssl", "wherry.engine", "wherry.server"}
    assert not heavy & set(done.stdout.split())
