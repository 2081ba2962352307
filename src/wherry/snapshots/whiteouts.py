"""Deletions, in the two forms they have: as names in a layer's archive, and as overlayfs keeps them on disk.

Knows both forms. Must not know archives or trees. See "Whiteouts" in layer.md of the OCI image specification, and
"whiteouts and opaque directories" in overlayfs.rst of the kernel.

                            in the archive              on disk
    x is deleted            a file `.wh.x`              a character device 0:0 named x
    nothing below d shows   a file `d/.wh..wh..opq`     trusted.overlay.opaque=y on d
"""

from __future__ import annotations

import os
import stat

PREFIX = ".wh."
OPAQUE = ".wh..wh..opq"
RESERVED = ".wh..wh."
"""Names that begin so, but for OPAQUE, are notes that aufs made for itself. They are passed over."""

XATTR = "trusted.overlay.opaque"
_YES = b"y"


def is_whiteout(found: os.stat_result) -> bool:
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == 0


def make(path: str) -> None:
    os.mknod(path, stat.S_IFCHR, 0)


def is_opaque(directory: str | int) -> bool:
    try:
        return os.getxattr(directory, XATTR) == _YES
    except OSError:
        return False


def make_opaque(directory: str) -> None:
    os.setxattr(directory, XATTR, _YES, follow_symlinks=False)
