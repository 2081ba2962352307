from __future__ import annotations

import io
import json
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

from wherry.oci import busybox_image, image_config, platform
from wherry.oci import digest as digests
from wherry.oci.busybox_image import NoBusybox

BUSYBOX = Path(shutil.which("busybox") or "/nonexistent")
needs_busybox = pytest.mark.skipif(not BUSYBOX.exists(), reason="busybox is not installed")


def made() -> tuple[str, bytes]:
    out = io.BytesIO()
    return busybox_image.write(out, program=BUSYBOX), out.getvalue()


def members(archive: bytes) -> dict[str, tuple[tarfile.TarInfo, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as reader:
        return {each.name: (each, (reader.extractfile(each) or io.BytesIO()).read()) for each in reader}


@needs_busybox
def test_the_same_program_gives_the_same_bytes() -> None:
    assert made() == made()


@needs_busybox
def test_the_archive_says_what_it_holds() -> None:
    identifier, archive = made()
    files = members(archive)
    (listed,) = json.loads(files["manifest.json"][1])
    config = files[listed["Config"]][1]
    (layer,) = listed["Layers"]
    assert listed["RepoTags"] == ["busybox:latest"]
    assert digests.of(config) == identifier
    decoded = image_config.decode(config)
    assert decoded.rootfs.diff_ids == (digests.of(files[layer][1]),)
    assert decoded.platform == platform.host()
    assert decoded.execution.cmd == ["sh"]


@needs_busybox
def test_the_root_file_system_has_what_programs_expect() -> None:
    _, archive = made()
    files = members(archive)
    (listed,) = json.loads(files["manifest.json"][1])
    root = members(files[listed["Layers"][0]][1])
    assert root["bin/busybox"][0].mode == 0o755
    assert root["bin/sh"][0].linkname == "bin/busybox"
    assert root["tmp"][0].mode == 0o1777
    assert root["etc/passwd"][1].startswith(b"root:x:0:0:root:/root:/bin/sh\n")
    assert root["etc/shadow"][0].mode == 0o600
    assert {"root", "home", "proc", "sys", "dev", "var/tmp", "usr/bin/env"} <= root.keys()
    assert {(entry.uid, entry.gid, entry.uname) for entry, _ in root.values()} == {(0, 0, "")}


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("/nonexistent", "No such file"),
        ("/bin/false", "returned non-zero"),
        (sys.executable, "returned non-zero"),
        ("/bin/true", "not a statically linked program"),
    ],
)
def test_another_program_is_refused(program: str, reason: str) -> None:
    out = io.BytesIO()
    with pytest.raises(NoBusybox, match=reason):
        busybox_image.write(out, program=Path(program))
    assert out.getvalue() == b""
