"""A root file system of one static binary, and every runtime that is installed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from wherry.linux import cgroups
from wherry.linux.cgroups import detect
from wherry.runtime import binaries

BUSYBOX = Path("/bin/busybox")
APPLETS = ("sh", "cat", "grep", "ls", "id", "hostname", "touch", "sleep", "env", "dd", "pwd")


_COMPLETE_V1 = """#!/bin/sh
exec unshare --mount --propagation slave \\
    sh -c 'mount --bind /dev/null {controllers} && exec crun "$@"' crun "$@"
"""
"""crun, shown a v2 hierarchy that has no controllers left.

Mounting the missing ones in v1 would do as well, but for the whole machine: runtimes that run meanwhile would meet a
hierarchy that comes and goes.
"""


@pytest.fixture(params=["runc", "crun"])
def runtime(request: pytest.FixtureRequest, tmp_path: Path) -> binaries.Runtime:
    name: str = request.param
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    if name == "crun" and cgroups.missing_v1():
        wrapper = tmp_path / "crun"
        wrapper.write_text(_COMPLETE_V1.format(controllers=f"{detect.mounted().unified}/cgroup.controllers"))
        wrapper.chmod(0o755)
        return binaries.Runtime(name, str(wrapper))
    return binaries.Runtimes().get(name)


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
