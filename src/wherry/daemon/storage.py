"""Which snapshotter a data root has: the one it was made with, else the one asked for, else the best that works."""

from __future__ import annotations

import logging
from pathlib import Path

from wherry import errors
from wherry.linux import syscalls
from wherry.snapshots.native import Native
from wherry.snapshots.overlay import Overlay
from wherry.snapshots.snapshotter import Snapshotter
from wherry.state import files
from wherry.state.database import Database

_log = logging.getLogger(__name__)

_KINDS = {"overlay": "overlay", "overlay2": "overlay", "overlayfs": "overlay", "native": "native", "vfs": "native"}
_MODE = 0o710


class UnknownStorage(errors.InvalidArgument):
    def __init__(self, name: str) -> None:
        super().__init__(f"storage-driver: {name!r} is not known", hint="there are overlay and native")


class OtherStorage(errors.FailedPrecondition):
    def __init__(self, root: Path, has: str, asked: str) -> None:
        super().__init__(
            f"storage-driver: {root} was made with {has}, not with {asked}",
            hint="choose another data root, or leave it out",
        )


def open_snapshotter(root: Path, asked: str, database: Database) -> Snapshotter:
    """`root` is the snapshotter's own directory, `asked` the configured name or ""."""
    root.mkdir(mode=_MODE, exist_ok=True)
    kind = _chosen(root, asked)
    return Overlay(root, database) if kind == "overlay" else Native(root, database)


def _chosen(root: Path, asked: str) -> str:
    if asked and asked not in _KINDS:
        raise UnknownStorage(asked)
    mark = root.parent / "storage-driver"
    has = (files.read_if_exists(mark) or b"").decode().strip()
    wanted = _KINDS.get(asked, has) or ("overlay" if overlay_works(root) else "native")
    if has and has != wanted:
        raise OtherStorage(root, has, asked)
    if not has:
        files.write_atomic(mark, f"{wanted}\n".encode())
        _log.info("layers are kept by %s", wanted)
    return wanted


def overlay_works(root: Path) -> bool:
    """Whether overlayfs can write here; some file systems, overlayfs itself among them, cannot carry it."""
    probe = root.parent / "overlay-probe"
    files.remove_tree(probe)
    lower, upper, work, merged = (probe / name for name in ("lower", "upper", "work", "merged"))
    for directory in (lower, upper, work, merged):
        directory.mkdir(parents=True)
    try:
        syscalls.mount("overlay", str(merged), "overlay", 0, f"lowerdir={lower},upperdir={upper},workdir={work}")
    except OSError as error:
        _log.warning("overlayfs does not work in %s, layers will be copied: %s", root, error.strerror)
        return False
    else:
        syscalls.umount2(str(merged), syscalls.MNT_DETACH)
        return True
    finally:
        files.remove_tree(probe)
