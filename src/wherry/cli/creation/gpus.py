"""The --gpus flag.

Knows its syntax. Must not know GPUs.
"""

from __future__ import annotations

from wherry.cli.creation import mounts
from wherry.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def read(word: str) -> dict[str, Any]:
    """`all`, a number, or `count=N,device=A,driver=D,capabilities=C,options=O` as the API's DeviceRequest. Raises Failure."""
    request: dict[str, Any] = {"Driver": "", "Count": 0, "Capabilities": [["gpu"]], "Options": {}}
    counted = False
    for field in mounts.comma_separated(word):
        key, equals, value = field.partition("=")
        key, value = (key, value) if equals else ("count", key)
        if key == "count":
            request["Count"] = -1 if value == "all" else _count(word, value)
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
            raise Failure(f"invalid argument \"{word}\" for \"--gpus\" flag: unexpected key '{key}' in '{field}'", 125)
    if not counted and "DeviceIDs" not in request:
        request["Count"] = 1
    return request


def _count(word: str, value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise Failure(
            f'invalid argument "{word}" for "--gpus" flag: invalid count ({value}): value must be either "all" or an integer: '
            f'strconv.Atoi: parsing "{value}": invalid syntax',
            125,
        ) from None
