"""One member of an archive, and what can be wrong with an archive."""

from __future__ import annotations

from wherry import errors

FILE = "file"
LINK = "link"
SYMLINK = "symlink"
CHARACTER = "character device"
BLOCK = "block device"
DIRECTORY = "directory"
FIFO = "fifo"

LARGEST_FILE = 2**63 - 1


class DamagedArchive(errors.InvalidArgument):
    """The bytes at `offset` of the uncompressed archive are not what a tar archive has there."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(f"damaged archive: {reason} at offset {offset}", hint="fetch or create the archive again")
        self.offset, self.reason = offset, reason


class HostileArchive(errors.InvalidArgument):
    """An entry that no honest archive has: it would leave the tree it belongs to, or use up the machine."""

    def __init__(self, entry: str, reason: str) -> None:
        super().__init__(f"refused archive: entry {entry!r} {reason}")
        self.entry, self.reason = entry, reason


class Entry:
    """A member of an archive. Names and targets are as in the archive, undecodable bytes as surrogates; `mtime` in ns.

    `size` is the length of the file, holes included. A sparse file has `segments`, pairs of offset and length in
    ascending order, and only their bytes are in the archive. `target` is the other name of a link, `device` major and
    minor.
    """

    __slots__ = ("device", "gid", "kind", "mode", "mtime", "name", "segments", "size", "target", "uid", "xattrs")

    def __init__(
        self,
        name: str,
        kind: str,
        *,
        mode: int = 0o644,
        uid: int = 0,
        gid: int = 0,
        size: int = 0,
        mtime: int = 0,
        target: str = "",
        device: tuple[int, int] = (0, 0),
        xattrs: dict[str, bytes] | None = None,
        segments: list[tuple[int, int]] | None = None,
    ) -> None:
        self.name = name
        self.kind = kind
        self.mode = mode
        self.uid = uid
        self.gid = gid
        self.size = size
        self.mtime = mtime
        self.target = target
        self.device = device
        self.xattrs = xattrs
        self.segments = segments

    @property
    def is_file(self) -> bool:
        return self.kind == FILE

    @property
    def is_directory(self) -> bool:
        return self.kind == DIRECTORY

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name!r} {self.mode:o} {self.uid}:{self.gid} {self.size} bytes>"
