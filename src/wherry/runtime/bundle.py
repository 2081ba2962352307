"""Bundles: the directory from which an OCI runtime starts a container.

Knows the layout below, and that a half-made bundle must not be left. Must not know what the documents say.

    <exec-root>/<id>/       0700; the shim adds its own files
      config.json           the container (bundle.md of the runtime specification)
      exec-<name>.json      a process to be added to it
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from wherry import errors, faults
from wherry.runtime import spec
from wherry.state import files

CONFIG = "config.json"


class BundleExists(errors.Conflict):
    """A run of this container is going on, or has ended without being cleared away."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"bundle {path} exists already")
        self.path = path


def path(exec_root: Path, container_id: str) -> Path:
    return exec_root / container_id


def create(exec_root: Path, container_id: str, document: dict[str, Any]) -> Path:
    """Make the bundle and give its directory; on any error it is gone again. BundleExists, InvalidArgument, OSError.

    It is not synced: what is in it has no meaning after a power failure.
    """
    directory = path(exec_root, container_id)
    content = spec.encode(document)
    try:
        os.mkdir(directory, 0o700)
    except FileExistsError:
        raise BundleExists(directory) from None
    try:
        faults.hit("bundle:after-mkdir")
        files.write_atomic(directory / CONFIG, content, sync=False)
    except BaseException:
        files.remove_tree(directory)
        raise
    return directory


def add_process(bundle: Path, name: str, document: dict[str, Any]) -> Path:
    """Write a process.json beside the container's; remove it with `unlink` once the process runs."""
    file = bundle / f"exec-{name}.json"
    files.write_atomic(file, spec.encode(document), sync=False)
    return file


def remove(exec_root: Path, container_id: str) -> None:
    """Remove the bundle and all in it; nothing happens if it is absent."""
    files.remove_tree(path(exec_root, container_id))
