"""Failpoints: named places in product code where a test makes the process fail.

`WHERRY_FAULTS="ingest:before-rename=kill,start:after-mount=delay:0.5"` arms them when the process starts. Actions:
`kill` (SIGKILL to ourselves, as a crash), `error` (OSError EIO), `full` (OSError ENOSPC), `delay:SECONDS`. Costs a
look-up in an empty dict otherwise.
"""

from __future__ import annotations

import errno
import os
import signal
import time

VARIABLE = "WHERRY_FAULTS"


def parse(text: str) -> dict[str, str]:
    """`name=action,name=action` as a dict; names contain colons, actions follow the last `=`."""
    pairs = (item.rpartition("=") for item in text.split(",") if item.strip())
    return {name.strip(): action.strip() for name, _, action in pairs}


_armed = parse(os.environ.get(VARIABLE, ""))


def hit(name: str) -> None:
    """Pass the failpoint `name`; does nothing unless it is armed."""
    action = _armed.get(name)
    if action is None:
        return
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "error":
        raise OSError(errno.EIO, f"failpoint {name}")
    elif action == "full":
        raise OSError(errno.ENOSPC, f"failpoint {name}")
    elif action.startswith("delay:"):
        time.sleep(float(action.removeprefix("delay:")))
    else:
        raise ValueError(f"{VARIABLE}: unknown action {action!r} for {name}")
