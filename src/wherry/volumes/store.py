"""Volumes of the local driver: a record in the database and a directory on disk.

    <root>/<name>/_data        what containers see; root:root, 0755, until an image's directory is copied into it

The directory is made before the record and removed after it, so a crash leaves at most a directory without a record,
which `reconcile` removes. Blocks; safe on any thread. Names and message texts are Docker's.
"""

from __future__ import annotations

import os
import re
import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

import msgspec

from wherry import errors
from wherry.state import files
from wherry.state.database import Database, Schema

TABLES = Schema("volumes", ("CREATE TABLE volumes (name TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID",))

ANONYMOUS_LABEL = "com.docker.volume.anonymous"
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+\Z")


class NoSuchVolume(errors.NotFound):
    def __init__(self, name: str) -> None:
        super().__init__(f"get {name}: no such volume")


class InvalidVolumeName(errors.InvalidArgument):
    def __init__(self, name: str) -> None:
        super().__init__(
            f'create {name}: "{name}" includes invalid characters for a local volume name, only '
            '"[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path'
        )


class VolumeInUse(errors.Conflict):
    def __init__(self, name: str, users: Collection[str]) -> None:
        super().__init__(f"remove {name}: volume is in use - [{', '.join(users)}]")


class UnknownVolumeDriver(errors.NotFound):
    def __init__(self, name: str, driver: str) -> None:
        super().__init__(f'create {name}: error looking up volume plugin {driver}: plugin "{driver}" not found')


class UnsupportedVolumeOptions(errors.Unsupported):
    def __init__(self, name: str, options: Iterable[str]) -> None:
        super().__init__(
            f"create {name}: driver options are not implemented: {', '.join(sorted(options))}",
            hint="bind-mount the directory instead",
        )


class Volume(msgspec.Struct, frozen=True, kw_only=True):
    """`created` in nanoseconds since 1970; `mountpoint` is the directory that containers see."""

    name: str
    mountpoint: str
    created: int
    driver: str = "local"
    labels: dict[str, str] = {}
    options: dict[str, str] = {}

    @property
    def path(self) -> Path:
        return Path(self.mountpoint)

    @property
    def anonymous(self) -> bool:
        return ANONYMOUS_LABEL in self.labels


class Volumes:
    """`users(name)` tells the ids of the containers that refer to a volume."""

    def __init__(self, root: Path, database: Database, users: Callable[[str], Collection[str]]) -> None:
        self._root = root
        self._database = database
        self._users = users
        self._lock = threading.Lock()
        root.mkdir(mode=0o701, parents=True, exist_ok=True)
        rows = database.read(lambda c: c.execute("SELECT record FROM volumes").fetchall())
        self._volumes = {v.name: v for v in (msgspec.json.decode(row[0], type=Volume) for row in rows)}

    def reconcile(self) -> list[str]:
        """Remove directories that a crash has left without a record; their names."""
        with self._lock:
            left = [path for path in self._root.iterdir() if path.name not in self._volumes]
            for path in left:
                files.remove_tree(path)
        return [path.name for path in left]

    def create(
        self,
        name: str = "",
        driver: str = "local",
        labels: dict[str, str] | None = None,
        options: dict[str, str] | None = None,
    ) -> tuple[Volume, bool]:
        """The volume and whether it is new: asking for one that exists is fine. Without a name it is anonymous."""
        labels = dict(labels or {})
        if not name:
            name = secrets.token_hex(32)
            labels[ANONYMOUS_LABEL] = ""
        if not _NAME.match(name):
            raise InvalidVolumeName(name)
        if driver not in ("", "local"):
            raise UnknownVolumeDriver(name, driver)
        if options:
            raise UnsupportedVolumeOptions(name, options)
        with self._lock:
            if name in self._volumes:
                return self._volumes[name], False
            data = self._root / name / "_data"
            data.mkdir(mode=0o755, parents=True, exist_ok=True)
            volume = Volume(name=name, mountpoint=str(data), created=time.time_ns(), labels=labels)
            blob = msgspec.json.encode(volume)
            self._database.write(lambda c: c.execute("INSERT INTO volumes VALUES (?, ?)", (name, blob)))
            self._volumes[name] = volume
            return volume, True

    def list(self) -> list[Volume]:
        return sorted(self._volumes.values(), key=lambda volume: volume.name)

    def inspect(self, name: str) -> Volume:
        volume = self._volumes.get(name)
        if volume is None:
            raise NoSuchVolume(name)
        return volume

    def users(self, name: str) -> Collection[str]:
        return self._users(name)

    def remove(self, name: str, *, force: bool = False, besides: str = "") -> bool:
        """False if there is none and `force` says that this is fine. The container `besides` is no user of it."""
        with self._lock:
            if name not in self._volumes:
                if force:
                    return False
                raise NoSuchVolume(name)
            users = [user for user in self._users(name) if user != besides]
            if users:
                raise VolumeInUse(name, users)
            self._database.write(lambda c: c.execute("DELETE FROM volumes WHERE name = ?", (name,)))
            del self._volumes[name]
            files.remove_tree(self._root / name)
        return True

    def prune(self, match: Callable[[Volume], bool]) -> tuple[Sequence[str], int]:
        """Remove volumes that nobody uses and that match; their names and the bytes they held."""
        removed, space = [], 0
        for volume in self.list():
            if self._users(volume.name) or not match(volume):
                continue
            size = usage(volume.path)
            try:
                self.remove(volume.name)
            except (VolumeInUse, NoSuchVolume):
                continue
            removed.append(volume.name)
            space += size
        return removed, space


def usage(directory: Path) -> int:
    """Bytes that the files below a directory take, each inode once."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for parent, directories, names in os.walk(directory):
        for name in (*directories, *names):
            try:
                status = os.lstat(os.path.join(parent, name))
            except FileNotFoundError:
                continue
            if (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                total += status.st_size
    return total
