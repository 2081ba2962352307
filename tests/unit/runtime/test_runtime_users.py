"""Names of users and groups are looked up in the container, and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry import errors
from wherry.runtime import users
from wherry.runtime.spec import User

PASSWD = """root:x:0:0:root:/root:/bin/sh
ada:x:1000:1001:Ada:/home/ada:/bin/sh

2000:x:3000:3001::/:
broken:x:abc:1::/:
huge:x:4294967296:1::/:
"""
GROUP = "root:x:0:ada\nada:x:1001:\nwheel:x:10:ada,root\nbroken:x:\n4000:x:5000:\n"


@pytest.fixture
def rootfs(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text(PASSWD)
    (tmp_path / "etc/group").write_text(GROUP)
    return tmp_path


@pytest.mark.parametrize(
    ("spec", "additional", "expected"),
    [
        ("", (), User(0, 0, (0, 10))),
        ("root", (), User(0, 0, (0, 10))),
        ("0", (), User(0, 0, (0, 10))),
        ("ada", (), User(1000, 1001, (1001, 0, 10))),
        ("1000", (), User(1000, 1001, (1001, 0, 10))),
        ("ada:wheel", (), User(1000, 10, (10,))),
        ("ada:77", (), User(1000, 77, (77,))),
        ("ada:", (), User(1000, 1001, (1001, 0, 10))),
        (":wheel", (), User(0, 10, (10,))),
        ("4242", (), User(4242, 0, (0,))),
        ("4242:4243", (), User(4242, 4243, (4243,))),
        ("2000", (), User(3000, 3001, (3001,))),
        ("ada:4000", (), User(1000, 5000, (5000,))),
        ("2147483647", (), User(2147483647, 0, (0,))),
        ("ada", ("wheel", "55"), User(1000, 1001, (1001, 0, 10, 55))),
        ("ada:wheel", ("root",), User(1000, 10, (10, 0))),
    ],
)
def test_user_is_found(rootfs: Path, spec: str, additional: tuple[str, ...], expected: User) -> None:
    assert users.resolve(rootfs, spec, additional) == expected


@pytest.mark.parametrize(
    ("spec", "additional", "message"),
    [
        ("eve", (), "unable to find user eve: no matching entries in passwd file"),
        ("broken", (), "unable to find user broken: no matching entries in passwd file"),
        ("huge", (), "unable to find user huge: no matching entries in passwd file"),
        ("1e3", (), "unable to find user 1e3: no matching entries in passwd file"),
        ("ada:eve", (), "unable to find group eve: no matching entries in group file"),
        ("ada", ("eve",), "unable to find group eve: no matching entries in group file"),
        ("2147483648", (), "uids and gids must be in range 0-2147483647"),
        ("-1", (), "uids and gids must be in range 0-2147483647"),
        ("ada:4294967296", (), "uids and gids must be in range 0-2147483647"),
    ],
)
def test_what_is_not_found_is_told_as_runc_does(
    rootfs: Path, spec: str, additional: tuple[str, ...], message: str
) -> None:
    with pytest.raises(errors.InvalidArgument) as caught:
        users.resolve(rootfs, spec, additional)
    assert caught.value.message == message


def test_root_file_system_without_users_has_root_and_numbers(tmp_path: Path) -> None:
    assert users.resolve(tmp_path, "") == User(0, 0, (0,))
    assert users.resolve(tmp_path, "12:13") == User(12, 13, (13,))
    (tmp_path / "etc").touch()
    assert users.resolve(tmp_path, "") == User(0, 0, (0,))


def test_links_are_followed_inside_the_root_only(rootfs: Path) -> None:
    (rootfs / "etc/passwd").rename(rootfs / "real")
    (rootfs / "etc/passwd").symlink_to("/real")
    assert users.resolve(rootfs, "ada").uid == 1000
    (rootfs / "etc/passwd").unlink()
    (rootfs / "etc/passwd").symlink_to("../../../../../../etc/passwd")
    with pytest.raises(users.UnusableFile):
        users.resolve(rootfs, "daemon")


def test_pipe_in_place_of_the_file_does_not_hang(rootfs: Path) -> None:
    (rootfs / "etc/passwd").unlink()
    os.mkfifo(rootfs / "etc/passwd")
    with pytest.raises(users.UnusableFile, match="not a regular file"):
        users.resolve(rootfs, "ada")


def test_file_of_absurd_size_is_not_read(rootfs: Path) -> None:
    os.truncate(rootfs / "etc/passwd", 11 << 20)
    with pytest.raises(users.UnusableFile, match="larger than 10 MB"):
        users.resolve(rootfs, "ada")


def test_bytes_that_are_no_text_do_no_harm(rootfs: Path) -> None:
    (rootfs / "etc/passwd").write_bytes(b"\xff\xfe:x:7:8::/:\n" + PASSWD.encode())
    assert users.resolve(rootfs, "ada").uid == 1000


@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=20))
def test_any_files_give_valid_ids_or_a_refusal(passwd: str, group: str, spec: str) -> None:
    try:
        user = users.find(list(users.parse_passwd(passwd)), list(users.parse_group(group)), spec)
    except errors.InvalidArgument:
        return
    assert all(0 <= each < 2**31 for each in (user.uid, user.gid, *user.additional_gids))
