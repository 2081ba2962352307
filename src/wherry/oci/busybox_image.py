"""An image made of the host's own busybox, for machines that no registry can be reached from.

Knows what a small root file system needs, and the archive that `docker load` takes. Must not know an engine: a client
writes the archive and sends it. The same program gives the same bytes, so the image has the same ID everywhere.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from wherry import errors
from wherry.oci import platform as platforms

_MOMENT = 1_704_067_200
_CREATED = "2024-01-01T00:00:00Z"
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_DIRECTORIES = {
    "bin": 0o755, "dev": 0o755, "etc": 0o755, "home": 0o755, "lib": 0o755, "proc": 0o555, "root": 0o700, "sbin": 0o755,
    "sys": 0o555, "tmp": 0o1777, "usr": 0o755, "usr/bin": 0o755, "usr/sbin": 0o755, "usr/local": 0o755,
    "usr/local/bin": 0o755, "var": 0o755, "var/spool": 0o755, "var/spool/mail": 0o755, "var/tmp": 0o1777,
    "var/www": 0o755,
}  # fmt: skip
_ACCOUNTS = (
    ("root", 0, "/root", "/bin/sh"),
    ("daemon", 1, "/usr/sbin", "/bin/false"),
    ("bin", 2, "/bin", "/bin/false"),
    ("sys", 3, "/dev", "/bin/false"),
    ("mail", 8, "/var/spool/mail", "/bin/false"),
    ("www-data", 33, "/var/www", "/bin/false"),
    ("operator", 37, "/var", "/bin/false"),
    ("nobody", 65534, "/home", "/bin/false"),
)
_GROUPS = (
    ("root", 0), ("daemon", 1), ("bin", 2), ("sys", 3), ("adm", 4), ("tty", 5), ("disk", 6), ("mail", 8), ("wheel", 10),
    ("dialout", 20), ("www-data", 33), ("staff", 50), ("users", 100), ("nogroup", 65534),
)  # fmt: skip


class NoBusybox(errors.FailedPrecondition):
    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}", hint="install a statically linked busybox (Debian: busybox-static)")


def write(out: BinaryIO, *, reference: str = "busybox:latest", program: Path = Path("/bin/busybox")) -> str:
    """Write the archive, in the form that `docker load` takes, and return the ID that the image will have.

    Raises NoBusybox if `program` is not there, is not busybox or needs shared libraries.
    """
    layer = _layer(program)
    diff_id = hashlib.sha256(layer).hexdigest()
    config = _config(diff_id)
    name = hashlib.sha256(config).hexdigest()
    listed = [{"Config": f"{name}.json", "RepoTags": [reference], "Layers": [f"{diff_id}.tar"]}]
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        _add_file(archive, f"{name}.json", config, 0o644)
        _add_file(archive, f"{diff_id}.tar", layer, 0o644)
        _add_file(archive, "manifest.json", json.dumps(listed, separators=(",", ":")).encode(), 0o644)
    return f"sha256:{name}"


def _layer(program: Path) -> bytes:
    data, applets = _read(program)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for directory, mode in _DIRECTORIES.items():
            _add(archive, directory, tarfile.DIRTYPE, mode)
        _add_file(archive, "bin/busybox", data, 0o755)
        for applet in applets:
            if applet != "busybox":
                _add(archive, f"bin/{applet}", tarfile.LNKTYPE, 0o755, "bin/busybox")
        _add(archive, "usr/bin/env", tarfile.SYMTYPE, 0o777, "../../bin/env")
        _add(archive, "lib64", tarfile.SYMTYPE, 0o777, "lib")
        for path, text in _texts().items():
            _add_file(archive, path, text.encode(), 0o600 if path == "etc/shadow" else 0o644)
    return out.getvalue()


def _texts() -> dict[str, str]:
    return {
        "etc/passwd": "".join(f"{name}:x:{n}:{n}:{name}:{home}:{shell}\n" for name, n, home, shell in _ACCOUNTS),
        "etc/group": "".join(f"{name}:x:{n}:{'root' if name == 'wheel' else ''}\n" for name, n in _GROUPS),
        "etc/shadow": "".join(f"{name}:*:::::::\n" for name, *_ in _ACCOUNTS),
        "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
        "etc/profile": f"export {_PATH}\n",
    }


def _read(program: Path) -> tuple[bytes, Sequence[str]]:
    """The program and the names of its applets."""
    try:
        data = program.read_bytes()
        listed = subprocess.run([program, "--list"], capture_output=True, timeout=10, check=True, env={})
    except (OSError, subprocess.SubprocessError) as error:
        raise NoBusybox(program, str(error)) from None
    if not data.startswith(b"\x7fELF") or _is_dynamic(data):
        raise NoBusybox(program, "it is not a statically linked program")
    applets = sorted(set(listed.stdout.decode().split()))
    if "sh" not in applets or not all(os.path.basename(applet) == applet for applet in applets):
        raise NoBusybox(program, "its list of applets is not busybox's")
    return data, applets


def _is_dynamic(elf: bytes) -> bool:
    """Whether an ELF program names an interpreter: a program header of the type PT_INTERP, elf(5)."""
    order = "little" if elf[5] == 1 else "big"
    wide = elf[4] == 2
    start, at = (32, 54) if wide else (28, 42)

    def number(offset: int, size: int) -> int:
        return int.from_bytes(elf[offset : offset + size], order)  # type: ignore[arg-type]

    table, size, count = number(start, 8 if wide else 4), number(at, 2), number(at + 2, 2)
    return any(number(table + index * size, 4) == 3 for index in range(count))


def _config(diff_id: str) -> bytes:
    here = platforms.host()
    document = {
        "architecture": here.architecture,
        "os": here.os,
        **({"variant": here.variant} if here.variant else {}),
        "created": _CREATED,
        "config": {"Env": [_PATH], "Cmd": ["sh"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff_id}"]},
        "history": [{"created": _CREATED, "created_by": "busybox of the host", "comment": "wherry bootstrap image"}],
    }
    return json.dumps(document, separators=(",", ":")).encode()


def _add(archive: tarfile.TarFile, path: str, kind: bytes, mode: int, target: str = "") -> None:
    entry = tarfile.TarInfo(path)
    entry.type, entry.mode, entry.linkname, entry.mtime = kind, mode, target, _MOMENT
    archive.addfile(entry)


def _add_file(archive: tarfile.TarFile, path: str, data: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(path)
    entry.mode, entry.size, entry.mtime = mode, len(data), _MOMENT
    archive.addfile(entry, io.BytesIO(data))
