"""Files here as a tar archive, and a tar archive as files here.

Knows tar and this machine's file system. Must not know engines. What is unpacked comes from a container and is not
trusted: nothing is written outside the destination.
"""

from __future__ import annotations

import io
import os
import tarfile

from wherry.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PIECE = 1 << 20


def check(path: str) -> None:
    """Raises Failure if there is nothing at `path`."""
    try:
        os.lstat(path)
    except OSError as error:
        raise Failure(f"lstat {os.path.abspath(path)}: {(error.strerror or '').lower()}") from None


def packed(path: str, name: str, *, follow: bool = False) -> Iterator[bytes]:
    """A tar archive of `path`, in which it is called `name`; `follow` replaces a link by what it names."""
    top = os.path.realpath(path) if follow else path.rstrip("/") or "/"
    yield from _entry(top, name)
    yield b"\0" * 1024


def _entry(path: str, name: str) -> Iterator[bytes]:
    with tarfile.TarFile(fileobj=io.BytesIO(), mode="w", format=tarfile.PAX_FORMAT) as archive:
        info = archive.gettarinfo(path, name)
    if info is None:
        return  # a socket: tar has no form for it
    info.name = name  # the parameter loses a leading "./"
    if info.islnk():
        info.type, info.linkname, info.size = tarfile.REGTYPE, "", os.lstat(path).st_size
    yield info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    if info.isreg():
        yield from _content(path, info.size)
    elif info.isdir():
        for child in sorted(os.listdir(path)):
            yield from _entry(os.path.join(path, child), f"{name}/{child}")


def _content(path: str, size: int) -> Iterator[bytes]:
    """Exactly `size` bytes, whatever becomes of the file meanwhile, filled up to a whole block."""
    left = size
    with open(path, "rb") as file:
        while left and (data := file.read(min(left, _PIECE))):
            left -= len(data)
            yield data
    yield b"\0" * (left + -size % tarfile.BLOCKSIZE)


def extract(archive: Iterable[bytes], target: str, *, name: str, content_only: bool) -> None:
    """Unpack an archive with one root to `target`.

    The root goes into an existing directory under `name`, else takes the place of `target`; with `content_only` its
    content goes into `target`. Raises Failure.
    """
    with tarfile.open(fileobj=_Reader(archive), mode="r|") as opened:
        root = ""
        for member in opened:
            first, _, rest = member.name.removeprefix("./").partition("/")
            if content_only:
                first, rest = "", member.name.removeprefix("./").removeprefix(".")
            if not root:
                root = _root(target, name or first, content_only, member.isdir())
            _write(opened, member, root, rest)


def _root(target: str, name: str, content_only: bool, is_directory: bool) -> str:
    if os.path.isdir(target):
        return target if content_only else os.path.join(target, name)
    if os.path.lexists(target) and is_directory:
        raise Failure("cannot copy directory")
    if target.endswith("/") and not is_directory:
        raise Failure("no such directory")
    return target.rstrip("/")


def _write(opened: tarfile.TarFile, member: tarfile.TarInfo, root: str, rest: str) -> None:
    path = os.path.normpath(os.path.join(root, rest)) if rest else root
    inside = os.path.realpath(os.path.dirname(path)) + "/"
    if (rest and not inside.startswith(os.path.realpath(root) + "/")) or os.path.isabs(rest):
        raise Failure(f"refusing to write outside {root}: {member.name}")
    if member.islnk():
        member.linkname = os.path.join(root, member.linkname.partition("/")[2])
        if not os.path.realpath(member.linkname).startswith(os.path.realpath(root) + "/"):
            raise Failure(f"refusing to link outside {root}: {member.name}")
    if os.path.islink(path) or (os.path.exists(path) and not member.isdir() and not os.path.isdir(path)):
        os.unlink(path)
    # Owners stay behind, as in every copy between machines whose users differ.
    directory, base = os.path.split(path)
    member.name, member.uid, member.gid, member.uname, member.gname = base, os.geteuid(), os.getegid(), "", ""
    opened.extract(member, directory or "/")


class _Reader(io.RawIOBase):
    """Pieces as a file that can be read from beginning to end."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        super().__init__()
        self._pieces = iter(pieces)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._rest) < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._rest += piece
        taken = self._rest if size < 0 else self._rest[:size]
        self._rest = self._rest[len(taken) :]
        return taken
