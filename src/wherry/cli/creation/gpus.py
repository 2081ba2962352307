"""The --gpus flag.

Knows its syntax. Must not know GPUs.
"""

from __future__ import annotations

from wherry.cli.creation import mounts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def read(word: str) -> dict[str, Any]:
    """`all`, a number, or `count=N,device=A,driver=D,capabilities=C,options=O` as the API's DeviceRequest.

    Raises ValueError.
    """
    request: dict[str, Any] = {"Driver": "", "Count": 0, "Capabilities": [["gpu"]], "Options": {}}
    counted = False
    for field in mounts.comma_separated(word):
        key, equals, value = field.partition("=")
        key, value = (key, value) if equals else ("count", key)
        if key == "count":
            request["Count"] = -1 if value == "all" else _count(value)
            counted = True
        elif key == "device":
            request["DeviceIDs"] = value.split(",")
        elif key == "driver":
            request["Driver"] = value
        elif key == "capabilities":
            request["Capabilities"] = [[*dict.fromkeys([*value.split(","), "gpu"])]]
        elif key == "options":
            request["Options"] = dict(pair.partition("=")[::2] for pair in value.split(","))
        else:
            raise ValueError(f"unexpected key '{key}' in '{field}'")
    if not counted and "DeviceIDs" not in request:
        request["Count"] = 1
    return request


def _count(value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise ValueError(f'invalid count ({value}): value must be either "all" or an integer: invalid syntax') from None
