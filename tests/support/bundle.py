"""A minimal bundle with a busybox root file system, for tests of what runs containers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

APPLETS = ("sh", "echo", "sleep", "cat", "true", "false", "ls", "yes", "head", "stty", "seq", "dd", "id", "kill")


def rootfs(directory: Path) -> Path:
    """A root file system with the host's static busybox."""
    binaries = directory / "bin"
    binaries.mkdir(parents=True)
    shutil.copy("/bin/busybox", binaries)
    for applet in APPLETS:
        os.symlink("busybox", binaries / applet)
    for name in ("proc", "sys", "dev", "tmp", "etc"):
        (directory / name).mkdir()
    return directory


def bundle(directory: Path) -> Path:
    """A bundle whose config.json is runc's own example."""
    rootfs(directory / "rootfs")
    subprocess.run(["runc", "spec"], cwd=directory, check=True)
    return directory


def configure(directory: Path, args: list[str], *, terminal: bool = False) -> None:
    path = directory / "config.json"
    config: dict[str, Any] = json.loads(path.read_text())
    config["process"].update(args=args, terminal=terminal, env=["PATH=/bin"])
    config["process"]["consoleSize"] = {"height": 24, "width": 80}
    config["root"]["readonly"] = False
    path.write_text(json.dumps(config))
