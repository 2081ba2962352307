"""A writer that is killed at a failpoint leaves the old state or the new one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from wherry.content.store import Store
from wherry.oci import digest as digests

DATA = b"x" * 100_000
SCRIPT = """
import sys
from pathlib import Path
from wherry.content.store import Store
with Store(Path(sys.argv[1])).ingest("layer") as writer:
    writer.write(b"x" * 100_000)
    writer.commit()
"""


@pytest.mark.parametrize(("failpoint", "exists"), [("ingest:before-rename", False), ("ingest:after-rename", True)])
def test_a_kill_leaves_a_whole_blob_or_none_and_the_next_attempt_succeeds(
    tmp_path: Path, failpoint: str, exists: bool
) -> None:
    environment = {**os.environ, "WHERRY_FAULTS": f"{failpoint}=kill", "PYTHONPATH": os.pathsep.join(sys.path)}
    killed = subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path)], env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL

    store, digest = Store(tmp_path), digests.of(DATA)
    assert store.has(digest) is exists
    with store.ingest("layer", digest, len(DATA)) as writer:
        assert writer.offset == len(DATA), "bytes of the killed writer are used"
        writer.commit()
    assert store.read(digest) == DATA
    store.expire(float("inf"))
    assert list((tmp_path / "ingest").iterdir()) == []
