"""Which capabilities a container gets.

Knows Docker's default list and the rules of adding and dropping. Must not know what they permit: capabilities(7).
"""

from __future__ import annotations

from collections.abc import Sequence

from wherry import errors
from wherry.linux.capabilities import NAMES

ALL = "ALL"

DEFAULT: tuple[str, ...] = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FSETID",
    "CAP_FOWNER",
    "CAP_MKNOD",
    "CAP_NET_RAW",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETFCAP",
    "CAP_SETPCAP",
    "CAP_NET_BIND_SERVICE",
    "CAP_SYS_CHROOT",
    "CAP_KILL",
    "CAP_AUDIT_WRITE",
)


class UnknownCapability(errors.InvalidArgument):
    """`field` is CapAdd or CapDrop."""

    def __init__(self, field: str, name: str) -> None:
        super().__init__(f'invalid {field}: unknown capability: "{name}"', hint="capabilities(7) lists the names")
        self.name = name


class UnavailableCapability(errors.InvalidArgument):
    def __init__(self, field: str, name: str) -> None:
        super().__init__(
            f"invalid {field}: capability not supported by your kernel or not available in the current environment: "
            f'"{name}"'
        )
        self.name = name


def effective(
    add: Sequence[str], drop: Sequence[str], *, privileged: bool, available: Sequence[str]
) -> tuple[str, ...]:
    """The capabilities of a container's root.

    Names are in any case, with or without CAP_. A privileged container gets all that are available, whatever is
    dropped. With ALL added, what is dropped is taken from all; with ALL dropped, only what is added by name remains.
    What the engine itself does not have cannot be asked for by name, and is left out of the defaults.
    """
    added, dropped = normalise("CapAdd", add, available), normalise("CapDrop", drop, available)
    if privileged:
        return tuple(available)
    if ALL in added:
        return tuple(name for name in available if name not in dropped)
    if ALL in dropped:
        return added
    kept = (name for name in DEFAULT if name not in dropped and name in available)
    return tuple(dict.fromkeys((*kept, *added)))


def normalise(field: str, names: Sequence[str], available: Sequence[str]) -> tuple[str, ...]:
    """The names as the kernel's header writes them, each once; ALL stays. `field` is the request's, for errors."""
    result: dict[str, None] = {}
    for each in names:
        name = each.upper()
        if name != ALL:
            name = name if name.startswith("CAP_") else f"CAP_{name}"
            if name not in NAMES:
                raise UnknownCapability(field, name)
            if name not in available:
                raise UnavailableCapability(field, name)
        result[name] = None
    return tuple(result)
