"""Which extended attributes belong to a file's content, and travel with it in layers.

Knows names. Must not know files. Labels of security modules stay behind: they are this machine's. So do overlayfs'
own: in an archive they would be commands to the kernel about other trees.
"""

from __future__ import annotations

_CARRIED = ("user.", "trusted.", "security.capability", "system.posix_acl_")
_OVERLAY = ("trusted.overlay.", "user.overlay.")


def is_carried(name: str) -> bool:
    return name.startswith(_CARRIED) and not name.startswith(_OVERLAY)
