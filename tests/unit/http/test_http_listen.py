"""Listening sockets: who may connect, what is replaced, and what a service manager passes."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from wherry import errors
from wherry.http import listen


def test_a_unix_socket_has_its_mode_and_group_before_anybody_can_connect(tmp_path: Path) -> None:
    path = tmp_path / "run" / "s"
    with listen.unix(str(path), 0o600, str(os.getgid())), socket.socket(socket.AF_UNIX) as client:
        found = path.stat()
        assert stat.S_IMODE(found.st_mode) == 0o600
        assert found.st_gid == os.getgid()
        client.connect(str(path))


def test_a_socket_nobody_answers_on_is_replaced(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    listen.unix(path).close()
    with listen.unix(path), socket.socket(socket.AF_UNIX) as client:
        client.connect(path)


def test_a_socket_somebody_answers_on_is_left_alone(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with listen.unix(path), socket.socket(socket.AF_UNIX) as client:
        with pytest.raises(listen.SocketInUse, match=path):
            listen.unix(path)
        client.connect(path)


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("precious")
    with pytest.raises(listen.CannotListen, match="no socket"):
        listen.unix(str(path))
    assert path.read_text() == "precious"


def test_a_path_too_long_for_the_kernel_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = str(tmp_path / ("s" * 120))
    with pytest.raises(listen.CannotListen, match="too long"):
        listen.unix(path)


def test_a_group_that_does_not_exist_is_named_and_leaves_no_socket_behind(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with pytest.raises(listen.NoSuchGroup, match="no-such-group"):
        listen.unix(str(path), group="no-such-group")
    assert not path.exists()


def test_tcp_listens_on_the_address_asked_for() -> None:
    (sock,) = listen.tcp("127.0.0.1", 0)
    with sock:
        host, port = sock.getsockname()
        assert host == "127.0.0.1"
        with socket.create_connection((host, port)):
            pass
        with pytest.raises(listen.CannotListen, match=f"127.0.0.1:{port}"):
            listen.tcp("127.0.0.1", port)


ACTIVATED = """
import os, sys
os.environ["LISTEN_PID"] = str(os.getpid() + int(sys.argv[1]))
from wherry.http import listen
sockets = listen.activated()
print([(sock.fileno(), sock.getsockname(), os.get_inheritable(sock.fileno())) for sock in sockets])
print([name for name in os.environ if name.startswith("LISTEN_")], listen.activated())
"""


def activated(sock: socket.socket, pid_offset: int) -> list[str]:
    script = 'exec "$1" -c "$2" "$3" 3<&0 0</dev/null'
    environment = os.environ | {"LISTEN_FDS": "1", "LISTEN_FDNAMES": "api", "PYTHONPATH": "src"}
    done = subprocess.run(
        ["sh", "-c", script, "sh", sys.executable, ACTIVATED, str(pid_offset)],
        stdin=sock.fileno(),
        env=environment,
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_sockets_of_the_service_manager_are_taken_once_and_not_inherited(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with listen.unix(path) as sock:
        assert activated(sock, 0) == [repr([(3, path, False)]), "[] []"]


def test_sockets_meant_for_another_process_are_left_alone(tmp_path: Path) -> None:
    with listen.unix(str(tmp_path / "s")) as sock:
        assert activated(sock, 1)[0] == "[]"


def test_tls_files_that_cannot_be_loaded_are_named(tmp_path: Path) -> None:
    missing = str(tmp_path / "cert.pem")
    with pytest.raises(errors.InvalidArgument, match=r"cert\.pem"):
        listen.tls(missing, missing, missing, verify=True)
