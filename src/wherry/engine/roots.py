"""A container's root file system on the host: its snapshot, where it is mounted, what goes with the container.

    <data-root>/containers/<id>/          the container's directory
        rootfs/                           where the snapshot is mounted while it is needed
        hostname hosts resolv.conf        mounted into the container
        <id>-json.log exit.json           written by the shim

Blocks. Everything on the way down can be repeated.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from pathlib import Path

from wherry.engine.records import Record
from wherry.linux import mount, syscalls
from wherry.linux.mount import MountOperation
from wherry.oci.mount import Mount
from wherry.snapshots.copying import copy_tree
from wherry.snapshots.snapshotter import Kind, SnapshotNotFound, Snapshotter
from wherry.state import files
from wherry.volumes.store import NoSuchVolume, VolumeInUse, Volumes

_log = logging.getLogger(__name__)

_ID_LENGTH = 64


class Roots:
    def __init__(self, root: Path, snapshotter: Snapshotter, volumes: Volumes) -> None:
        self._root = root
        self._snapshotter = snapshotter
        self._volumes = volumes
        root.mkdir(mode=0o710, parents=True, exist_ok=True)

    def path(self, directory: str) -> Path:
        return Path(directory) / "rootfs"

    def mount(self, key: str, directory: str) -> Path:
        """Mount the snapshot; where it is now."""
        target = self.path(directory)
        target.mkdir(mode=0o700, exist_ok=True)
        mount.unmount(str(target))
        make(self._snapshotter.mounts(key), target)
        return target

    def unmount(self, directory: str) -> None:
        while mount.unmount(str(self.path(directory))):
            pass

    def fill(self, record: Record) -> None:
        """Copy into an empty volume what the image has at its place: Docker's copy-up, when a container is made."""
        fresh = [each for each in record.mounts if each.copy_up and each.type == "volume" and _is_empty(each.source)]
        if not fresh:
            return
        root = self.mount(record.id, record.directory)
        try:
            for each in fresh:
                _copy_up(root, each.target, Path(each.source))
        finally:
            self.unmount(record.directory)

    def usage(self, record: Record) -> tuple[int, int]:
        """Bytes the container has written, and bytes of its whole root without what other layers hide."""
        own = self._snapshotter.usage(record.id).bytes
        total, parent = own, self._snapshotter.stat(record.id).parent
        while parent is not None:
            total += self._snapshotter.usage(parent).bytes
            parent = self._snapshotter.stat(parent).parent
        return own, total

    def remove(self, record: Record, *, volumes: bool) -> None:
        """The snapshot and the directory of an unmounted container; with `volumes` its anonymous volumes too."""
        try:
            self._snapshotter.remove(record.id)
        except SnapshotNotFound:
            _log.debug("snapshot %s is gone already", record.id)
        files.remove_tree(Path(record.directory))
        if volumes:
            self._remove_volumes(record)

    def _remove_volumes(self, record: Record) -> None:
        for each in record.mounts:
            if each.type != "volume":
                continue
            try:
                if self._volumes.inspect(each.name).anonymous:
                    self._volumes.remove(each.name, besides=record.id)
            except (NoSuchVolume, VolumeInUse):
                continue

    def reconcile(self, known: Iterable[Record], alive: Iterable[Record]) -> None:
        """Remove directories and snapshots of containers that were never finished, and roots nobody uses."""
        records = {record.id: record for record in known}
        going = {record.id for record in alive}
        for directory in self._root.iterdir():
            if directory.name not in going:
                self.unmount(str(directory))
            if directory.name not in records:
                _log.info("removing %s, which a crash has left", directory)
                files.remove_tree(directory)
        for info in list(self._snapshotter.walk()):
            if info.kind is Kind.ACTIVE and len(info.name) == _ID_LENGTH and info.name not in records:
                self._snapshotter.remove(info.name)


def _is_empty(directory: str) -> bool:
    with os.scandir(directory) as entries:
        return next(entries, None) is None


def _copy_up(root: Path, inside: str, volume: Path) -> None:
    """All or nothing: a copy beside the volume's directory takes its place. No link in the image leads out of it."""
    base = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        flags = os.O_RDONLY | os.O_DIRECTORY
        source = syscalls.openat2(base, inside, flags, resolve=syscalls.RESOLVE_IN_ROOT)
    except (FileNotFoundError, NotADirectoryError):
        return
    finally:
        os.close(base)
    copy = volume.with_name(volume.name + ".new")
    try:
        files.remove_tree(copy)
        copy_tree(Path(f"/proc/self/fd/{source}"), copy)
        volume.rmdir()
        copy.rename(volume)
    finally:
        os.close(source)


def make(mounts: list[Mount], target: Path) -> None:
    """Do what the values say, in order."""
    for each in mounts:
        where = target / each.target if each.target else target
        MountOperation(each.type, each.source, str(where), each.options).execute()
