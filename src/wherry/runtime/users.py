"""Who a process in a container runs as: names made into numbers by the container's own files.

Knows passwd(5), group(5) and runc's rules for `user[:group]`. Must not ask the host's name service, and trusts nothing
in the root file system: paths are resolved inside it (RESOLVE_IN_ROOT of openat2(2)), only regular files are read, and
no more than a bounded part. HOME is not set here: runtimes take it from the same passwd file.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from wherry import errors
from wherry.linux import syscalls
from wherry.runtime.spec.settings import User

_MAX_ID = (1 << 31) - 1
_MAX_SIZE = 10 << 20
_NUMBER = re.compile(r"[+-]?\d{1,20}")


class UnknownUser(errors.InvalidArgument):
    def __init__(self, name: str) -> None:
        super().__init__(f"unable to find user {name}: no matching entries in passwd file")
        self.name = name


class UnknownGroup(errors.InvalidArgument):
    def __init__(self, name: str) -> None:
        super().__init__(f"unable to find group {name}: no matching entries in group file")
        self.name = name


class IdOutOfRange(errors.InvalidArgument):
    def __init__(self, text: str) -> None:
        super().__init__(f"uids and gids must be in range 0-{_MAX_ID}")
        self.text = text


class UnusableFile(errors.InvalidArgument):
    """The container's passwd or group file is no regular file, or far too large."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"cannot look up users in the container's {path}: {reason}")
        self.path = path


@dataclass(frozen=True, slots=True)
class PasswdEntry:
    name: str
    uid: int
    gid: int
    home: str


@dataclass(frozen=True, slots=True)
class GroupEntry:
    name: str
    gid: int
    members: tuple[str, ...]


def resolve(rootfs: Path, spec: str, additional: Sequence[str] = ()) -> User:
    """The user that `user`, `user:group`, numbers instead of names, or "" for root, mean in the mounted `rootfs`.

    `additional` are names or numbers of further groups. Raises UnknownUser, UnknownGroup, IdOutOfRange or UnusableFile.
    """
    passwd, group = read(rootfs, "/etc/passwd"), read(rootfs, "/etc/group")
    return find(list(parse_passwd(passwd)), list(parse_group(group)), spec, additional)


def find(
    passwd: Sequence[PasswdEntry], groups: Sequence[GroupEntry], spec: str, additional: Sequence[str] = ()
) -> User:
    """`resolve` on parsed files. The primary group is listed among the additional ones, first, as Docker does: else a
    process could drop it to escape permissions that refuse it."""
    user_text, _, group_text = spec.partition(":")
    entry = _match_user(passwd, user_text)
    if entry:
        uid, gid = entry.uid, entry.gid
    else:
        uid, gid = _id(user_text, UnknownUser(user_text)) if user_text else 0, 0
    supplementary: list[int] = []
    if group_text:
        gid = _group_id(groups, group_text)
    elif entry:
        supplementary = [group.gid for group in groups if entry.name in group.members]
    supplementary += [_group_id(groups, each) for each in additional]
    return User(uid, gid, tuple(dict.fromkeys((gid, *supplementary))))


def _match_user(passwd: Sequence[PasswdEntry], text: str) -> PasswdEntry | None:
    """The first entry with this name or number."""
    number = _number(text) if text else 0
    return next((entry for entry in passwd if entry.name == text or entry.uid == number), None)


def _group_id(groups: Sequence[GroupEntry], text: str) -> int:
    number = _number(text)
    for group in groups:
        if group.name == text or group.gid == number:
            return group.gid
    return _id(text, UnknownGroup(text))


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and _NUMBER.fullmatch(text) else None


def _id(text: str, unknown: errors.InvalidArgument) -> int:
    number = _number(text)
    if number is None:
        raise unknown
    if not 0 <= number <= _MAX_ID:
        raise IdOutOfRange(text)
    return number


def parse_passwd(text: str) -> Iterator[PasswdEntry]:
    """The entries of a passwd file; a line whose ids are no ids is none."""
    for fields in _lines(text, 4):
        uid, gid = _number(fields[2]), _number(fields[3])
        if uid is not None and gid is not None and 0 <= uid <= _MAX_ID and 0 <= gid <= _MAX_ID:
            yield PasswdEntry(fields[0], uid, gid, fields[5] if len(fields) > 5 else "")


def parse_group(text: str) -> Iterator[GroupEntry]:
    for fields in _lines(text, 3):
        gid = _number(fields[2])
        if gid is not None and 0 <= gid <= _MAX_ID:
            members = fields[3].split(",") if len(fields) > 3 else []
            yield GroupEntry(fields[0], gid, tuple(filter(None, members)))


def _lines(text: str, least: int) -> Iterator[list[str]]:
    for line in text.split("\n"):
        fields = line.strip().split(":")
        if len(fields) >= least and fields[0]:
            yield fields


def read(rootfs: Path, path: str) -> str:
    """The text of a file inside a root; "" if it is absent. A pipe or device there is never opened for reading."""
    root = os.open(rootfs, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        handle = syscalls.openat2(root, path, os.O_PATH, resolve=syscalls.RESOLVE_IN_ROOT)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        raise UnusableFile(path, os.strerror(error.errno or 0)) from None
    finally:
        os.close(root)
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise UnusableFile(path, "not a regular file")
        if status.st_size > _MAX_SIZE:
            raise UnusableFile(path, f"larger than {_MAX_SIZE >> 20} MB")
        with open(f"/proc/self/fd/{handle}", "rb") as file:
            return file.read(_MAX_SIZE).decode("utf-8", "surrogateescape")
    finally:
        os.close(handle)
