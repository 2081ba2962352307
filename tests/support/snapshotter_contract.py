"""What every snapshotter promises, as tests. Derive from `SnapshotterContract` and provide the fixture `place`.

Each test says one sentence of the docstring of `wherry.snapshots.snapshotter`.
"""

from __future__ import annotations

import errno
import os
import signal
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.trees import describe, mounted
from wherry.snapshots.snapshotter import (
    Kind,
    SnapshotExists,
    SnapshotInUse,
    SnapshotNotFound,
    Snapshotter,
    TreeMissing,
    WrongKind,
)


class Place:
    """A snapshotter in a directory of its own; `open` makes another one over the same disk, as a restart does."""

    def __init__(self, root: Path, open: Callable[[Path], Snapshotter]) -> None:
        self.root = root
        self._open = open
        self.snapshotter = open(root)

    def restarted(self) -> Snapshotter:
        return self._open(self.root)

    @contextmanager
    def prepared(self, key: str, parent: str | None) -> Iterator[Path]:
        with mounted(self.snapshotter.prepare(key, parent), self.root.parent / "mount") as tree:
            yield tree

    @contextmanager
    def seen(self, name: str) -> Iterator[Path]:
        """The tree of a committed snapshot."""
        mounts = self.snapshotter.view(f"look-{name}", name)
        try:
            with mounted(mounts, self.root.parent / "look") as tree:
                yield tree
        finally:
            self.snapshotter.remove(f"look-{name}")

    def layer(self, name: str, parent: str | None, change: Callable[[Path], object]) -> None:
        """Make the committed snapshot `name` by changing its parent."""
        with self.prepared(f"unpack-{name}", parent) as tree:
            change(tree)
        self.snapshotter.commit(name, f"unpack-{name}")


def base(tree: Path) -> None:
    (tree / "etc").mkdir()
    (tree / "etc/passwd").write_text("root")
    (tree / "etc/group").write_text("root")
    (tree / "var/cache").mkdir(parents=True)
    (tree / "var/cache/a").write_text("a")


class SnapshotterContract:
    def test_a_snapshot_without_parent_is_empty_and_writable(self, place: Place) -> None:
        with place.prepared("k", None) as tree:
            assert os.listdir(tree) == []
            assert stat.S_IMODE(tree.stat().st_mode) == 0o755
            (tree / "file").write_text("x")

    def test_mounts_shows_again_what_was_written(self, place: Place) -> None:
        with place.prepared("k", None) as tree:
            (tree / "file").write_text("x")
        with mounted(place.snapshotter.mounts("k"), place.root.parent / "mount") as tree:
            assert (tree / "file").read_text() == "x"

    def test_a_child_shows_its_parents_tree_and_its_own_changes(self, place: Place) -> None:
        place.layer("A", None, base)
        place.layer("B", "A", lambda tree: (tree / "etc/hosts").write_text("hosts"))
        with place.seen("B") as tree:
            assert (tree / "etc/passwd").read_text() == "root"
            assert (tree / "etc/hosts").read_text() == "hosts"

    def test_changes_in_a_child_do_not_reach_its_parent(self, place: Place) -> None:
        place.layer("A", None, base)
        with place.seen("A") as tree:
            before = describe(tree)

        def spoil(tree: Path) -> None:
            (tree / "etc/passwd").write_text("spoilt")
            (tree / "etc/passwd").chmod(0o4777)
            (tree / "etc/group").unlink()
            (tree / "etc/new").write_text("new")

        with place.prepared("c", "A") as tree:
            spoil(tree)
        with place.seen("A") as tree:
            assert describe(tree) == before

    def test_deletions_last_over_layers(self, place: Place) -> None:
        place.layer("A", None, base)
        place.layer("B", "A", lambda tree: (tree / "etc/passwd").unlink())
        place.layer("C", "B", lambda tree: (tree / "etc/other").write_text(""))
        with place.seen("C") as tree:
            assert sorted(os.listdir(tree / "etc")) == ["group", "other"]
        place.layer("D", "C", lambda tree: (tree / "etc/passwd").write_text("again"))
        with place.seen("D") as tree:
            assert (tree / "etc/passwd").read_text() == "again"

    def test_a_directory_made_anew_does_not_show_the_old_one(self, place: Place) -> None:
        place.layer("A", None, base)

        def replace(tree: Path) -> None:
            (tree / "var/cache/a").unlink()
            (tree / "var/cache").rmdir()
            (tree / "var/cache").mkdir()
            (tree / "var/cache/b").write_text("b")

        place.layer("B", "A", replace)
        with place.seen("B") as tree:
            assert os.listdir(tree / "var/cache") == ["b"]

    def test_a_directory_can_become_a_file_and_back(self, place: Place) -> None:
        place.layer("A", None, lambda tree: (tree / "x").mkdir())

        def to_file(tree: Path) -> None:
            (tree / "x").rmdir()
            (tree / "x").write_text("file")

        def to_directory(tree: Path) -> None:
            (tree / "x").unlink()
            (tree / "x").mkdir()

        place.layer("B", "A", to_file)
        place.layer("C", "B", to_directory)
        with place.seen("B") as tree:
            assert (tree / "x").read_text() == "file"
        with place.seen("C") as tree:
            assert os.listdir(tree / "x") == []

    def test_everything_that_a_file_has_is_kept(self, place: Place) -> None:
        def make(tree: Path) -> None:
            base(tree)
            os.link(tree / "etc/passwd", tree / "etc/passwd-")
            os.symlink("/etc/passwd", tree / "link")
            os.mkfifo(tree / "fifo", 0o640)
            os.mknod(tree / "null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
            os.chown(tree / "etc/group", 1234, 5678)
            (tree / "etc/group").chmod(0o6755)
            os.setxattr(tree / "etc/group", "trusted.colour", b"\x00blue")
            os.setxattr(tree / "etc", "trusted.colour", b"red")
            (tree / "tmp").mkdir()
            (tree / "tmp").chmod(0o1777)
            os.utime(tree / "etc/group", ns=(1, 1_500_000_000_123_456_789))
            os.utime(tree / "link", ns=(1, 1_400_000_000_000_000_000), follow_symlinks=False)
            os.utime(tree / "etc", ns=(1, 1_300_000_000_000_000_000))

        with place.prepared("u", None) as tree:
            make(tree)
            before = describe(tree)
        place.snapshotter.commit("A", "u")
        with place.seen("A") as tree:
            assert describe(tree) == before
        place.layer("B", "A", lambda tree: (tree / "new").mkdir())
        with place.seen("B") as tree:
            after = describe(tree)
            assert {path: after[path] for path in before if path != "."} == {
                p: d for p, d in before.items() if p != "."
            }

    def test_the_root_directory_keeps_its_mode_and_owner(self, place: Place) -> None:
        def change(tree: Path) -> None:
            tree.chmod(0o1711)
            os.chown(tree, 7, 8)

        place.layer("A", None, change)
        with place.prepared("c", "A") as tree:
            found = tree.stat()
            assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (0o1711, 7, 8)

    def test_a_view_cannot_be_written_to(self, place: Place) -> None:
        place.layer("A", None, base)
        place.layer("B", "A", lambda tree: (tree / "b").mkdir())
        for name in ("A", "B"):
            with place.seen(name) as tree, pytest.raises(OSError) as caught:
                (tree / "etc/new").write_text("x")
            assert caught.value.errno == errno.EROFS
            with pytest.raises(SnapshotNotFound):
                place.snapshotter.stat(f"look-{name}")

    def test_a_hundred_and_thirty_layers(self, place: Place) -> None:
        parent = None
        for number in range(130):
            name = f"L{number}"
            mounts = place.snapshotter.prepare("u", parent)
            with mounted(mounts, place.root.parent / "mount") as tree:
                (tree / name).write_text(name)
                if number % 10 == 5:
                    (tree / f"L{number - 1}").unlink()
            place.snapshotter.commit(name, "u")
            parent = name
        with place.seen("L129") as tree:
            assert len(os.listdir(tree)) == 130 - 13
            assert (tree / "L0").read_text() == "L0"
        with place.prepared("c", "L129") as tree:
            (tree / "L0").unlink()
            assert len(os.listdir(tree)) == 130 - 14

    def test_only_committed_snapshots_are_parents(self, place: Place) -> None:
        place.snapshotter.prepare("k", None)
        for make in (place.snapshotter.prepare, place.snapshotter.view):
            with pytest.raises(WrongKind, match="k is active, not committed"):
                make("child", "k")
            with pytest.raises(SnapshotNotFound, match="nobody"):
                make("child", "nobody")
        assert [info.name for info in place.snapshotter.walk()] == ["k"]

    def test_only_active_snapshots_are_committed(self, place: Place) -> None:
        place.layer("A", None, base)
        place.snapshotter.view("v", "A")
        for key in ("A", "v"):
            with pytest.raises(WrongKind):
                place.snapshotter.commit("N", key)
        with pytest.raises(SnapshotNotFound):
            place.snapshotter.commit("N", "nobody")
        with pytest.raises(WrongKind):
            place.snapshotter.mounts("A")

    def test_names_are_taken_once(self, place: Place) -> None:
        place.layer("A", None, base)
        for taken in ("A", "k"):
            if taken == "k":
                place.snapshotter.prepare("k", None)
            with pytest.raises(SnapshotExists, match=taken):
                place.snapshotter.prepare(taken, None)
            with pytest.raises(SnapshotExists):
                place.snapshotter.view(taken, "A")
        with pytest.raises(SnapshotExists):
            place.snapshotter.commit("A", "k")
        assert place.snapshotter.stat("k").kind is Kind.ACTIVE

    def test_a_parent_cannot_be_removed_before_its_children(self, place: Place) -> None:
        place.layer("A", None, base)
        place.snapshotter.prepare("c", "A")
        with pytest.raises(SnapshotInUse, match="A cannot be removed: c is based on it"):
            place.snapshotter.remove("A")
        place.snapshotter.remove("c")
        place.snapshotter.remove("A")
        assert list(place.snapshotter.walk()) == []
        with pytest.raises(SnapshotNotFound):
            place.snapshotter.remove("A")

    def test_removal_leaves_nothing_on_disk(self, place: Place) -> None:
        before = sorted(os.listdir(place.root))
        place.layer("A", None, base)
        with place.prepared("c", "A") as tree:
            (tree / "etc/passwd").write_text("x")
        place.snapshotter.remove("c")
        place.snapshotter.remove("A")
        assert sorted(os.listdir(place.root)) == before

    def test_stat_and_walk_tell_kind_name_and_parent(self, place: Place) -> None:
        place.layer("A", None, base)
        place.snapshotter.prepare("c", "A")
        place.snapshotter.view("v", "A")
        told = [(info.kind, info.name, info.parent) for info in place.snapshotter.walk()]
        assert told == [(Kind.COMMITTED, "A", None), (Kind.ACTIVE, "c", "A"), (Kind.VIEW, "v", "A")]
        assert [place.snapshotter.stat(name).name for name in ("A", "c", "v")] == ["A", "c", "v"]

    def test_usage_grows_with_what_is_written(self, place: Place) -> None:
        with place.prepared("k", None) as tree:
            before = place.snapshotter.usage("k")
            (tree / "file").write_bytes(b"x" * 10_000)
            os.link(tree / "file", tree / "again")
            (tree / "directory").mkdir()
            after = place.snapshotter.usage("k")
        assert (after.bytes - before.bytes, after.inodes - before.inodes) == (10_000, 2)
        place.snapshotter.commit("A", "k")
        assert place.snapshotter.usage("A").bytes == 10_000
        place.snapshotter.view("v", "A")
        assert place.snapshotter.usage("v").bytes == 0

    def test_everything_is_there_after_a_restart(self, place: Place) -> None:
        place.layer("A", None, base)
        place.snapshotter.prepare("c", "A")
        before, mounts = list(place.snapshotter.walk()), place.snapshotter.mounts("c")
        place.snapshotter = place.restarted()
        reconciled = place.snapshotter.reconcile()
        assert (reconciled.removed, reconciled.lost) == ((), ())
        assert list(place.snapshotter.walk()) == before
        assert place.snapshotter.mounts("c") == mounts
        place.snapshotter.prepare("d", "A")

    def test_reconcile_removes_trees_that_nothing_refers_to(self, place: Place) -> None:
        place.layer("A", None, base)
        before = sorted(os.listdir(place.root))
        (place.root / "77" / "fs").mkdir(parents=True)
        place.snapshotter = place.restarted()
        assert place.snapshotter.reconcile().removed == ("77",)
        assert sorted(os.listdir(place.root)) == before

    def test_a_lost_tree_is_told_and_can_be_made_again(self, place: Place) -> None:
        place.layer("A", None, base)
        parent = set(os.listdir(place.root))
        place.layer("B", "A", lambda tree: (tree / "b").write_text("b"))
        place.snapshotter.prepare("c", "B")
        for name in parent:
            os.rename(place.root / name, place.root.parent / f"lost-{name}")
        place.snapshotter = place.restarted()
        assert place.snapshotter.reconcile().lost == ("A",)
        if place.snapshotter.stacks:
            with pytest.raises(TreeMissing, match="A"):
                place.snapshotter.mounts("c")
        place.layer("A", None, base)
        with mounted(place.snapshotter.mounts("c"), place.root.parent / "mount") as tree:
            assert (tree / "b").read_text() == "b"
            assert (tree / "etc/passwd").read_text() == "root"

    def test_a_kill_at_any_failpoint_leaves_old_or_new(self, place: Place) -> None:
        place.layer("A", None, base)
        place.snapshotter.prepare("c", "A")
        for failpoint, act, key in (
            ("snapshot:before-row", lambda s: s.prepare("new", "A"), "new"),
            ("snapshot:before-commit", lambda s: s.commit("N", "c"), "N"),
            ("snapshot:before-directory-removal", lambda s: s.remove("c"), "c"),
        ):
            _killed_at(failpoint, act, place)
            place.snapshotter = place.restarted()
            place.snapshotter.reconcile()
            with pytest.raises(SnapshotNotFound):
                place.snapshotter.stat(key)
            assert len(os.listdir(place.root)) == len(list(place.snapshotter.walk()))
            with place.seen("A") as tree:
                assert (tree / "etc/passwd").read_text() == "root"

    def test_threads_do_not_disturb_each_other(self, place: Place) -> None:
        place.layer("A", None, base)
        failures: list[BaseException] = []

        def work(number: int) -> None:
            try:
                for turn in range(5):
                    key = f"k{number}-{turn}"
                    place.snapshotter.prepare(key, "A")
                    if turn % 2:
                        place.snapshotter.commit(f"N{number}-{turn}", key)
                    else:
                        place.snapshotter.remove(key)
            except BaseException as error:  # noqa: BLE001 - shown by the assertion below
                failures.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert len(list(place.snapshotter.walk())) == 1 + 4 * 2


def _killed_at(failpoint: str, act: Callable[[Snapshotter], object], place: Place) -> None:
    """Do `act` on a restarted snapshotter in a child process that dies at `failpoint`."""
    from wherry import faults

    pid = os.fork()
    if pid == 0:
        try:
            faults._armed[failpoint] = "kill"
            act(place.restarted())
        finally:
            os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status), f"{failpoint} was not reached"
    assert os.WTERMSIG(status) == signal.SIGKILL
