"""Images that are here: their snapshots, their removal, and what is left after a crash."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.component.images.conftest import KINDS, Depot
from tests.support.image_archives import MadeImage, docker_archive
from tests.support.trees import tmpfs
from wherry.images.image import DamagedImage
from wherry.images.removal import Removed, User
from wherry.images.store import Images
from wherry.oci import chain
from wherry.oci import digest as digests

BASE = MadeImage({"base": b"b" * 5000})
TOP = MadeImage({"base": b"b" * 5000}, {"top": b"t" * 9000})
BOTH = docker_archive((BASE, ["base:1"]), (TOP, ["top:1", "top:2"]))


def test_removing_an_image_removes_what_no_other_needs(depot: Depot) -> None:
    depot.load(BOTH)
    top = depot.images.resolve("top:1")
    assert depot.images.remove("top:2", lambda _: []) == [Removed(untagged="top:2", image=top.id)]
    assert depot.images.remove("top:1", lambda _: []) == [
        Removed(untagged="top:1", image=top.id),
        Removed(deleted=top.id, image=top.id),
        Removed(deleted=str(top.chain_id), image=top.id),
    ]
    depot.check()
    assert depot.files("base:1") == {"base": b"b" * 5000}
    base = depot.images.resolve("base:1")
    removed = depot.images.remove(base.id[7:15], lambda _: [])
    assert [each.deleted for each in removed if each.deleted] == [base.id, base.chain_id]
    depot.check()
    assert depot.blobs() == set()


def test_the_root_of_a_forcibly_removed_image_stays_under_its_container(depot: Depot) -> None:
    depot.load(docker_archive((TOP, ["top:1"])))
    image = depot.images.resolve("top:1")
    depot.snapshots.prepare("container", depot.images.rootfs(image))
    removed = depot.images.remove("top:1", lambda _: [User("container", running=False)], force=True)
    assert [each.deleted for each in removed if each.deleted] == [image.id]
    assert depot.stacks() == {"container", *chain.chain_ids(image.config.rootfs.diff_ids)}
    depot.snapshots.mounts("container")
    depot.snapshots.remove("container")
    depot.images.reconcile()
    depot.check()


def test_an_image_that_is_held_keeps_its_bytes_until_it_is_let_go(depot: Depot) -> None:
    depot.load(docker_archive((TOP, ["top:1"])))
    image = depot.images.resolve("top:1")
    with depot.images.held(image):
        depot.images.remove("top:1", lambda _: [])
        assert depot.images.rootfs(image) == image.chain_id
        depot.snapshots.prepare("container", image.chain_id)
    depot.snapshots.mounts("container")


def test_a_lost_snapshot_is_unpacked_again(depot: Depot) -> None:
    depot.load(docker_archive((TOP, ["top:1"])))
    image = depot.images.resolve("top:1")
    for chain_id in reversed(chain.chain_ids(image.config.rootfs.diff_ids)):
        depot.snapshots.remove(chain_id)
    assert depot.files("top:1") == {"base": b"b" * 5000, "top": b"t" * 9000}


def test_sizes_are_those_of_the_layers_and_shared_ones_count_once(depot: Depot) -> None:
    depot.load(BOTH)
    base, top = depot.images.resolve("base:1"), depot.images.resolve("top:1")
    assert 5000 <= base.size < top.size
    usage = depot.images.df()
    shared = {each.image.id: each.shared for each in usage.images}
    if depot.kind == "overlay":
        assert usage.layers_size == top.size
        assert shared == {base.id: base.size, top.id: base.size}
    steps = depot.images.history("top:1")
    assert sum(step.size for step in steps) == top.size


def test_pruning_removes_what_has_no_tag_and_tells_the_space(depot: Depot) -> None:
    depot.load(docker_archive((TOP, ["x:1"])))
    top = depot.images.resolve("x:1")
    depot.load(docker_archive((BASE, ["x:1"])))
    assert depot.images.prune({"label": ["nosuch"]}, lambda _: []).removed == ()
    assert depot.images.prune({}, lambda _: [User("c", running=False)]).removed == ()
    pruned = depot.images.prune({}, lambda _: [])
    assert [each.deleted for each in pruned.removed] == [top.id, top.chain_id]
    assert pruned.space >= 9000
    assert [image.references for image in depot.images.list()] == [("x:1",)]
    pruned = depot.images.prune({"dangling": ["false"]}, lambda _: [])
    assert pruned.removed[0].untagged == "x:1"
    assert depot.images.list() == []
    depot.check()


@pytest.mark.parametrize("part", ["config", "manifest"])
@pytest.mark.parametrize("damage", ["gone", "changed", "giant"])
def test_a_damaged_image_is_said_to_be_so_and_can_be_removed(depot: Depot, part: str, damage: str) -> None:
    depot.load(BOTH)
    image = depot.images.resolve("top:1")
    path = depot.store.path(image.id if part == "config" else image.manifest_digest)
    path.chmod(0o600)
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(b"{}" if damage == "changed" else b" " * (9 << 20))
    images = _reopened(depot)
    with pytest.raises(DamagedImage, match=image.id):
        images.resolve("top:1")
    assert [each.references for each in images.list()] == [("base:1",)]
    images.remove(image.id, lambda _: [], force=True)
    assert [each.references for each in images.list()] == [("base:1",)]
    depot.check()


def _reopened(depot: Depot) -> Images:
    return Images(depot.store, depot.snapshots, depot.leases, depot.database, depot.unpacker)


POINTS = [
    "ingest:before-rename",
    "ingest:after-rename",
    "load:before-unpack",
    "snapshot:before-row",
    "unpack:before-commit",
    "load:before-names",
    "load:after-names",
    "make:before-records",
    "remove:after-records",
    "snapshot:before-directory-removal",
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("point", POINTS)
def test_a_crash_leaves_the_old_images_or_the_new_ones(tmp_path: Path, kind: str, point: str) -> None:
    with tmpfs(tmp_path / "disk") as disk:
        depot = Depot(disk, kind)
        depot.load(docker_archive((MadeImage({"old": b"1"}), ["old:1"])))
        depot.close()
        (tmp_path / "both.tar").write_bytes(BOTH)
        program = f"""
import io, sys
from pathlib import Path
from tests.component.images.conftest import Depot
from tests.support.image_archives import tar
depot = Depot(Path({str(disk)!r}), {kind!r})
depot.load(Path({str(tmp_path / "both.tar")!r}).read_bytes())
depot.images.import_(io.BytesIO(tar({{"f": b"1"}})), reference="made:1")
depot.images.remove(depot.images.resolve("top:1").id, lambda _: [], force=True)
"""
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "WHERRY_FAULTS": f"{point}=kill"}
        done = subprocess.run([sys.executable, "-c", program], env=environment, check=False, capture_output=True)
        assert done.returncode == -signal.SIGKILL, done.stderr.decode()
        depot = Depot(disk, kind)
        depot.snapshots.reconcile()
        depot.images.reconcile()
        depot.check()
        names = {name for image in depot.images.list() for name in image.references}
        assert names in ({"old:1"}, {"old:1", "base:1", "top:1", "top:2"}, {"old:1", "base:1", "made:1"})
        for name in names:
            assert depot.files(name)
        depot.images.load(io.BytesIO(BOTH))
        assert depot.files("top:1") == {"base": b"b" * 5000, "top": b"t" * 9000}
        assert digests.of(TOP.config) == depot.images.resolve("top:2").id
        depot.check()
        depot.close()
