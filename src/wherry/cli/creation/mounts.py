"""The --mount, -v and --tmpfs flags.

Knows their syntax. Must not know what is mounted how. Loaded only when one of the flags is given.
"""

from __future__ import annotations

import os

from wherry.cli import flags, units
from wherry.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_BARE = ("readonly", "ro", "volume-nocopy", "bind-nonrecursive", "bind-create-src")
_NAMES = {"src": "source", "dst": "target", "destination": "target", "ro": "readonly"}


def comma_separated(word: str) -> list[str]:
    """The fields of one CSV record; a field in double quotes may hold commas."""
    if '"' not in word:
        return word.split(",")
    fields, current, inside, index = [], "", False, 0
    while index < len(word):
        letter = word[index]
        if letter == '"' and inside and word[index + 1 : index + 2] == '"':
            current += '"'
            index += 1
        elif letter == '"':
            inside = not inside
        elif letter == "," and not inside:
            fields.append(current)
            current = ""
        else:
            current += letter
        index += 1
    if inside:
        raise ValueError('parse error on line 1, column 1: extraneous or missing " in quoted-field')
    return [*fields, current]


def read(word: str) -> dict[str, Any]:
    """One --mount as the API's Mount. Raises ValueError."""
    if not word.strip():
        raise ValueError("value is empty")
    mount: dict[str, Any] = {"Type": "volume"}
    for field in comma_separated(word):
        name, equals, value = field.partition("=")
        key = _NAMES.get(name.strip().lower(), name.strip().lower())
        if not equals:
            if key not in _BARE:
                raise ValueError(f"invalid field '{field}' must be a key=value pair")
            value = "true"
        _set(mount, key, value, name, field)
    if not mount.get("Target"):
        raise ValueError("target is required")
    for options, kind in (
        ("VolumeOptions", "volume"),
        ("BindOptions", "bind"),
        ("TmpfsOptions", "tmpfs"),
        ("ImageOptions", "image"),
    ):
        if (
            options in mount
            and mount["Type"] != kind
            and not (options == "VolumeOptions" and mount["Type"] == "cluster")
        ):
            raise ValueError(
                f"cannot mix '{options[0].lower() + options[1:-7]}-*' options with mount type '{mount['Type']}'"
            )
    return mount


def _set(mount: dict[str, Any], key: str, value: str, name: str, field: str) -> None:
    if key in ("type", "source", "target", "consistency"):
        mount[key.capitalize()] = _placed(key, value)
    elif key == "readonly":
        mount["ReadOnly"] = _truth(key if name != "ro" else "ro", value)
    elif key.startswith("bind-"):
        _set_bind(mount.setdefault("BindOptions", {}), key, value, name, field)
    elif key.startswith("volume-"):
        _set_volume(mount.setdefault("VolumeOptions", {}), key, value, name, field)
    elif key == "image-subpath":
        mount.setdefault("ImageOptions", {})["Subpath"] = value
    elif key == "tmpfs-size":
        mount.setdefault("TmpfsOptions", {})["SizeBytes"] = _size(key, value)
    elif key == "tmpfs-mode":
        try:
            mount.setdefault("TmpfsOptions", {})["Mode"] = int(value, 8)
        except ValueError:
            raise ValueError(f"invalid value for {key}: {value}") from None
    else:
        raise ValueError(f"unexpected key '{name}' in '{field}'")


def _placed(key: str, value: str) -> str:
    if key == "type":
        return value.lower()
    if key == "source" and (value == "." or value.startswith(("./", "../")) or value == ".."):
        return os.path.abspath(value)
    return value


def _truth(key: str, value: str) -> bool:
    try:
        return flags.truth(value)
    except ValueError:
        raise ValueError(f"invalid value for {key}: {value}") from None


def _size(key: str, value: str) -> int:
    try:
        return units.read_size(value)
    except ValueError:
        raise ValueError(f"invalid value for {key}: {value}") from None


def _set_bind(options: dict[str, Any], key: str, value: str, name: str, field: str) -> None:
    if key == "bind-propagation":
        options["Propagation"] = value.lower()
    elif key == "bind-nonrecursive":
        options["NonRecursive"] = _truth(key, value)
    elif key == "bind-create-src":
        options["CreateMountpoint"] = _truth(key, value)
    elif key == "bind-recursive":
        choices: dict[str, dict[str, Any]] = {
            "enabled": {},
            "disabled": {"NonRecursive": True},
            "writable": {"ReadOnlyNonRecursive": True},
            "readonly": {"ReadOnlyForceRecursive": True},
        }
        if value not in choices:
            raise ValueError(
                f'invalid value for {key}: {value} (must be "enabled", "disabled", "writable", or "readonly")'
            )
        options.update(choices[value])
    else:
        raise ValueError(f"unexpected key '{name}' in '{field}'")


def _set_volume(options: dict[str, Any], key: str, value: str, name: str, field: str) -> None:
    option, equals, setting = value.partition("=")
    if key == "volume-subpath":
        options["Subpath"] = value
    elif key == "volume-nocopy":
        options["NoCopy"] = _truth(key, value)
    elif key == "volume-label":
        options.setdefault("Labels", {})[option] = setting
    elif key == "volume-driver":
        options.setdefault("DriverConfig", {})["Name"] = value
    elif key == "volume-opt":
        options.setdefault("DriverConfig", {}).setdefault("Options", {})[option] = setting if equals else ""
    else:
        raise ValueError(f"unexpected key '{name}' in '{field}'")


def binds_and_volumes(words: Iterable[str]) -> tuple[list[str], dict[str, Any]]:
    """-v flags: those with a source as binds, the others as anonymous volumes. Raises Failure."""
    binds: list[str] = []
    volumes: dict[str, Any] = {}
    for word in dict.fromkeys(words):
        parts = word.split(":")
        if any(not part for part in parts):
            raise Failure(
                "invalid empty volume spec" if not word else f"invalid spec: {word}: empty section between colons", 125
            )
        if len(parts) == 1:
            volumes[word] = {}
            continue
        if parts[0].startswith("."):
            parts[0] = os.path.abspath(parts[0])
        elif parts[0].startswith("~"):
            parts[0] = os.path.expanduser(parts[0])
        binds.append(":".join(parts))
    return binds, volumes


def tmpfs(words: Iterable[str]) -> dict[str, str]:
    """--tmpfs flags: options by path."""
    found = {}
    for word in words:
        path, _, options = word.partition(":")
        found[path] = options
    return found
