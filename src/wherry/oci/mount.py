"""A mount as a value: what snapshots produce and runtimes consume, so that neither knows the other."""

from __future__ import annotations

import msgspec


class Mount(msgspec.Struct, frozen=True):
    """One call of mount(8), not yet done. Options use the words of fstab(5) and of the OCI runtime specification.

    `target` is relative to the place it will be mounted on; "" is that place itself.
    """

    type: str
    source: str
    target: str = ""
    options: tuple[str, ...] = ()
