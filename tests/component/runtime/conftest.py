"""A root file system of one static binary, and every runtime that is installed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.linux import cgroups
from wherry.linux import mount as mounting
from wherry.runtime import binaries

BUSYBOX = Path("/bin/busybox")
APPLETS = ("sh", "cat", "grep", "ls", "id", "hostname", "touch", "sleep", "env", "dd", "pwd")


@pytest.fixture(scope="module")
def complete_v1() -> Iterator[None]:
    """Mount the controllers that crun wants to see in v1, and take them away again."""
    with_mounts = []
    for name in cgroups.missing_v1():
        target = f"/sys/fs/cgroup/{name}"
        os.makedirs(target, exist_ok=True)
        mounting.MountOperation("cgroup", "cgroup", target, (name,)).execute()
        with_mounts.append(target)
    yield
    for target in with_mounts:
        mounting.unmount(target)
        os.rmdir(target)


@pytest.fixture(params=["runc", "crun"])
def runtime(request: pytest.FixtureRequest) -> binaries.Runtime:
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    if request.param == "crun":
        request.getfixturevalue("complete_v1")
    return binaries.Runtimes().get(request.param)


@pytest.fixture
def rootfs(tmp_path: Path) -> Path:
    if os.geteuid() != 0 or not BUSYBOX.exists():
        pytest.skip("needs root and a static busybox")
    root = tmp_path / "rootfs"
    for directory in ("bin", "etc", "proc", "sys", "dev", "tmp", "data", "home/ada"):
        (root / directory).mkdir(parents=True)
    shutil.copy(BUSYBOX, root / "bin/busybox")
    for applet in APPLETS:
        (root / "bin" / applet).symlink_to("busybox")
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nada:x:1000:1001::/home/ada:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\nada:x:1001:\nwheel:x:10:ada\n")
    (root / "tmp").chmod(0o1777)
    return root
