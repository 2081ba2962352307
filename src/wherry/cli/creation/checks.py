"""Readers for single values of the flags of `run` and `create`.

Knows the forms of one value and Docker's complaints about it. Must not know the other flags. Each reader raises
ValueError.
"""

from __future__ import annotations

import os

from wherry.cli import units
from wherry.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LIMITS = frozenset(
    "as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split()
)
_KERNEL_PARAMETERS = frozenset(
    f"kernel.{name}" for name in "msgmax msgmnb msgmni sem shmall shmmax shmmni shm_rmid_forced".split()
)
_RULE_ACCESS = frozenset("rwm")


def size(word: str) -> int:
    return units.read_size(word)


def swap_size(word: str) -> int:
    return -1 if word == "-1" else units.read_size(word)


def duration(word: str) -> int:
    return units.read_duration(word)


def cpus(word: str) -> int:
    """Billionths of a CPU."""
    from decimal import Decimal, InvalidOperation

    try:
        exact = Decimal(word) * 10**9
    except InvalidOperation:
        raise ValueError(f"failed to parse {word} as a rational number") from None
    if exact != int(exact):
        raise ValueError("value is too precise")
    return int(exact)


def attachable(word: str) -> str:
    if word.lower() not in ("stdin", "stdout", "stderr"):
        raise ValueError("valid streams are STDIN, STDOUT and STDERR")
    return word.lower()


def variable(word: str) -> str:
    """NAME=VALUE; a bare NAME takes the value it has here, if any."""
    name, separator, _ = word.partition("=")
    if not name:
        raise ValueError(f"invalid environment variable: {word}")
    if not separator and name in os.environ:
        return f"{name}={os.environ[name]}"
    return word


def label(word: str) -> str:
    name, _, _ = word.partition("=")
    if not name.strip():
        raise ValueError(f"invalid label '{word}': empty name")
    return word


def extra_host(word: str) -> str:
    name, colon, target = word.partition("=" if "=" in word and word.find("=") < (word + ":").find(":") else ":")
    if not colon or not name:
        raise ValueError(f"bad format for add-host: {units.quoted(word)}")
    if target == "host-gateway":
        return f"{name}:{target}"
    stripped = target[1:-1] if target.startswith("[") and target.endswith("]") else target
    if not _is_address(stripped):
        raise ValueError(f"invalid IP address in add-host: {units.quoted(target)}")
    return f"{name}:{stripped}"


def _is_address(word: str) -> bool:
    import _socket

    for family in (_socket.AF_INET, _socket.AF_INET6):
        try:
            _socket.inet_pton(family, word)
        except OSError:
            continue
        return True
    return False


def address(word: str) -> str:
    if not _is_address(word.strip()):
        raise ValueError(f"IP address is not correctly formatted: {word}")
    return word.strip()


def search_domain(word: str) -> str:
    stripped = word.strip(" ")
    if stripped == ".":
        return stripped
    import re

    if not re.fullmatch(
        r"[a-zA-Z0-9]([a-zA-Z0-9_-]*[a-zA-Z0-9])?(\.[a-zA-Z0-9_]([a-zA-Z0-9_-]*[a-zA-Z0-9])?)*\.?", stripped
    ):
        raise ValueError(f"{word} is not a valid domain")
    return stripped


def link(word: str) -> str:
    if not word:
        raise ValueError("empty string specified for links")
    parts = word.split(":")
    if len(parts) > 2:
        raise ValueError(f"bad format for links: {word}")
    return word


def device(word: str) -> dict[str, str]:
    """PATH[:PATH_IN_CONTAINER][:rwm] as a device mapping. Raises Failure: Docker checks it after the flags."""
    parts = word.split(":")
    permissions = "rwm"
    if len(parts) > 1 and parts[-1] and set(parts[-1]) <= _RULE_ACCESS and len(set(parts[-1])) == len(parts[-1]):
        permissions = parts.pop()
    elif len(parts) == 3:
        raise Failure(f"bad mode specified: {parts[2]}", 125)
    if not 1 <= len(parts) <= 2 or not parts[0]:
        raise Failure(f"bad format for path: {word}", 125)
    inside = parts[-1]
    if "=" not in parts[0] and not inside.startswith("/"):
        raise Failure(f"{inside} is not an absolute path", 125)
    return {"PathOnHost": parts[0], "PathInContainer": inside, "CgroupPermissions": permissions}


def device_rule(word: str) -> str:
    import re

    if not re.fullmatch(r"[acb] ([0-9]+|\*):([0-9]+|\*) [rwm]{1,3}", word):
        raise ValueError(f"invalid device cgroup format '{word}'")
    return word


def device_weight(word: str) -> dict[str, Any]:
    path, text = _device_and(word)
    if not text.isdigit() or (int(text) and not 10 <= int(text) <= 1000):
        raise ValueError(f"invalid weight for device: {word}")
    return {"Path": path, "Weight": int(text)}


def device_rate(word: str) -> dict[str, Any]:
    path, text = _device_and(word)
    try:
        return {"Path": path, "Rate": units.read_size(text)}
    except ValueError:
        raise ValueError(
            f"invalid rate for device: {word}. The correct format is <device-path>:<number>[<unit>]. "
            "Number must be a positive integer. Unit is optional and can be kb, mb, or gb"
        ) from None


def device_operations(word: str) -> dict[str, Any]:
    path, text = _device_and(word)
    if not text.isdigit():
        raise ValueError(
            f"invalid rate for device: {word}. The correct format is <device-path>:<number>. "
            "Number must be a positive integer"
        )
    return {"Path": path, "Rate": int(text)}


def _device_and(word: str) -> tuple[str, str]:
    path, colon, text = word.partition(":")
    if not colon or not path:
        raise ValueError(f"bad format: {word}")
    if not path.startswith("/dev/"):
        raise ValueError(f"bad format for device path: {word}")
    return path, text


def ulimit(word: str) -> dict[str, Any]:
    """NAME=SOFT[:HARD]."""
    name, equals, limits = word.partition("=")
    if not equals:
        raise ValueError(f"invalid ulimit argument: {word}")
    if name not in _LIMITS:
        raise ValueError(f"invalid ulimit type: {name}")
    parts = limits.split(":")
    if len(parts) > 2 or not parts[0]:
        raise ValueError(f"too many limit value arguments - {limits}, can only have up to two, `soft[:hard]`")
    numbers = []
    for part in parts:
        try:
            numbers.append(int(part))
        except ValueError:
            raise ValueError(f'strconv.ParseInt: parsing "{part}": invalid syntax') from None
    soft, hard = numbers[0], numbers[-1]
    if hard != -1 and (soft > hard or soft == -1):
        raise ValueError(f"ulimit soft limit must be less than or equal to hard limit: {soft} > {hard}")
    return {"Name": name, "Soft": soft, "Hard": hard}


def mount(word: str) -> dict[str, Any]:
    from wherry.cli.creation import mounts

    return mounts.read(word)


def gpus(word: str) -> dict[str, Any]:
    from wherry.cli.creation import gpus as requests

    return requests.read(word)


def network(word: str) -> dict[str, Any]:
    if "=" not in word and "," not in word:
        return {"name": word}
    from wherry.cli.creation import networks

    return networks.read(word)


def kernel_parameter(word: str) -> str:
    """KEY=VALUE of a kernel parameter that belongs to a namespace."""
    name, equals, _ = word.partition("=")
    if equals and (name in _KERNEL_PARAMETERS or name.startswith(("net.", "fs.mqueue."))):
        return word
    raise ValueError(f"sysctl '{word}' is not allowed")
