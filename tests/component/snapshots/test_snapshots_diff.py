"""Layers written from snapshots, checked by unpacking them again."""

from __future__ import annotations

import io
import os
import socket
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.trees import describe, mounted, tmpfs
from wherry.content.store import Store
from wherry.oci import digest as digests
from wherry.oci.digest import Digest
from wherry.snapshots import compression, diff, tar
from wherry.snapshots.catalogue import SCHEMA
from wherry.snapshots.native import Native
from wherry.snapshots.overlay import Overlay
from wherry.snapshots.snapshotter import Snapshotter
from wherry.snapshots.unpack import Layer, Unpacker
from wherry.state.database import Database

KINDS: dict[str, Callable[[Path, Database], Snapshotter]] = {"overlay": Overlay, "native": Native}
SECOND = 1_000_000_000


class Bench:
    def __init__(self, disk: Path, kind: str) -> None:
        self.disk = disk
        self.store = Store(disk / "content")
        self._database = Database.open(disk / f"{kind}.db", [SCHEMA])
        self.snapshotter = KINDS[kind](disk / kind, self._database)
        self.unpacker = Unpacker(self.snapshotter, self.store)
        self._taken = 0

    def close(self) -> None:
        self.unpacker.close()
        self._database.close()

    def change(self, key: str, parent: str | None, change: Callable[[Path], object]) -> dict[str, tuple[object, ...]]:
        """Prepare a snapshot, change it, and describe it as it shows with its parents."""
        with mounted(self.snapshotter.prepare(key, parent), self.disk / "mount") as tree:
            change(tree)
            return describe(tree, times=False)

    def layer(self, key: str, kind: str = compression.GZIP) -> Layer:
        self._taken += 1
        with self.store.ingest(f"layer {self._taken}") as blob:
            writer = compression.LayerWriter(blob, kind)
            diff.write_layer(self.snapshotter, key, writer)
            writer.close()
            assert blob.commit() == writer.digest
        return Layer(Digest(writer.digest), Digest(writer.diff_id))

    def names(self, key: str) -> list[str]:
        out = io.BytesIO()
        diff.write_layer(self.snapshotter, key, out)
        return [entry.name for entry in tar.Reader(io.BytesIO(out.getvalue()))]

    def unpacked(self, *layers: Layer) -> dict[str, tuple[object, ...]]:
        name = self.unpacker.unpack(layers)
        assert name
        with mounted(self.snapshotter.view("look", name), self.disk / "look") as tree:
            found = describe(tree, times=False)
        self.snapshotter.remove("look")
        return found

    def changes(self, key: str) -> list[str]:
        return [f"{change.kind} {change.path}" for change in diff.changes(self.snapshotter, key)]


@pytest.fixture(params=KINDS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    with tmpfs(tmp_path / "disk") as disk:
        bench = Bench(disk, request.param)
        yield bench
        bench.close()


def make_base(tree: Path) -> None:
    (tree / "etc").mkdir()
    for name in ("passwd", "group", "motd"):
        (tree / "etc" / name).write_text(name)
    for directory in ("var/cache/deep", "var/log", "opt"):
        (tree / directory).mkdir(parents=True)
        (tree / directory / "file").write_text(directory)
    os.symlink("etc/passwd", tree / "link")


def change_base(tree: Path) -> None:
    (tree / "etc/passwd").write_text("changed")
    (tree / "etc/group").chmod(0o4711)
    (tree / "etc/motd").unlink()
    (tree / "var/cache/deep/file").unlink()
    (tree / "var/cache/deep").rmdir()
    (tree / "var/cache/file2").write_text("2")
    (tree / "var/log/file").unlink()
    (tree / "var/log").rmdir()
    (tree / "var/log").mkdir()
    (tree / "var/log/anew").write_text("anew")
    (tree / "opt/file").unlink()
    (tree / "opt/file").mkdir()
    (tree / "opt/file/inside").write_text("inside")
    (tree / "link").unlink()
    (tree / "link").write_text("no link")
    (tree / "new").mkdir(mode=0o700)
    (tree / "new/a").write_text("a")
    os.link(tree / "new/a", tree / "new/b")
    os.symlink("nowhere", tree / "new/c")
    os.mkfifo(tree / "new/fifo")
    os.mknod(tree / "new/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.setxattr(tree / "new/a", "trusted.colour", b"\x00\n=blue")
    os.chown(tree / "new/a", 70000, 2**31)
    (tree / ("n" * 200)).write_text("long")
    (tree / "ünïcode\udcff").write_text("bytes")


def test_a_layer_unpacked_on_its_parent_shows_the_same_tree(bench: Bench) -> None:
    bench.change("base", None, make_base)
    base = bench.layer("base")
    parent = bench.unpacker.unpack([base])
    expected = bench.change("container", parent, change_base)
    assert bench.unpacked(base, bench.layer("container")) == expected


def test_a_layer_of_one_snapshotter_is_right_for_the_other(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "disk") as disk:
        overlay, native = Bench(disk, "overlay"), Bench(disk, "native")
        overlay.change("base", None, make_base)
        base = overlay.layer("base")
        parent = overlay.unpacker.unpack([base])
        assert native.unpacker.unpack([base]) == parent
        expected = overlay.change("container", parent, change_base)
        assert native.unpacked(base, overlay.layer("container")) == expected
        assert native.change("container", parent, change_base) == expected
        layer = native.layer("container")
        with native.store.open(layer.blob) as file, overlay.store.ingest("copied") as blob:
            blob.write(file.read())
            blob.commit()
        assert overlay.unpacked(base, layer) == expected
        overlay.unpacker.close()
        native.unpacker.close()


def test_nothing_changed_is_an_empty_layer(bench: Bench) -> None:
    bench.change("base", None, make_base)
    bench.snapshotter.commit("A", "base")
    bench.change("container", "A", lambda tree: None)
    assert bench.names("container") == []
    assert bench.changes("container") == []


def test_the_same_tree_gives_the_same_bytes(bench: Bench) -> None:
    bench.change("base", None, make_base)
    assert bench.layer("base") == bench.layer("base")
    assert bench.layer("base", compression.ZSTD).diff_id == bench.layer("base", compression.NONE).diff_id


def test_changes_are_told_as_docker_tells_them(bench: Bench) -> None:
    bench.change("base", None, make_base)
    bench.snapshotter.commit("A", "base")

    def change(tree: Path) -> None:
        (tree / "etc/passwd").write_text("changed")
        (tree / "etc/motd").unlink()
        (tree / "var/log/new").write_text("new")
        (tree / "gone").write_text("")
        (tree / "gone").unlink()

    bench.change("container", "A", change)
    assert bench.changes("container") == [
        "C /etc",
        "D /etc/motd",
        "C /etc/passwd",
        "C /var",
        "C /var/log",
        "A /var/log/new",
    ]


def test_a_changed_root_directory_is_part_of_the_layer(bench: Bench) -> None:
    bench.change("base", None, make_base)
    base = bench.layer("base")
    parent = bench.unpacker.unpack([base])
    expected = bench.change("container", parent, lambda tree: tree.chmod(0o1700))
    assert "./" in bench.names("container")
    assert bench.unpacked(base, bench.layer("container")) == expected


def test_overlay_says_opaque_only_where_something_is_to_be_hidden(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "disk") as disk:
        bench = Bench(disk, "overlay")
        bench.change("base", None, make_base)
        bench.snapshotter.commit("A", "base")
        bench.change("container", "A", change_base)
        assert [name for name in bench.names("container") if name.endswith("opq")] == ["var/log/.wh..wh..opq"]
        bench.close()


def test_sockets_are_left_out(bench: Bench) -> None:
    def make(tree: Path) -> None:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(str(tree / "socket"))
        (tree / "file").write_text("x")

    bench.change("base", None, make)
    assert [name for name in bench.names("base") if name != "./"] == ["file"]


def test_a_whole_tree_goes_out_and_comes_back_through_gnu_tar(bench: Bench) -> None:
    bench.change("base", None, make_base)
    bench.snapshotter.commit("A", "base")
    with mounted(bench.snapshotter.prepare("c", "A"), bench.disk / "mount") as tree:
        change_base(tree)
        out = io.BytesIO()
        diff.write_tree(tree, out)
        expected = describe(tree, times=False)
    target = bench.disk / "target"
    target.mkdir()
    command = ["tar", "-C", str(target), "--xattrs", "--xattrs-include=*", "--numeric-owner", "-xpf", "-"]
    subprocess.run(command, input=out.getvalue(), check=True)
    assert {**describe(target, times=False), ".": None} == {**expected, ".": None}


def test_times_are_whole_seconds(bench: Bench) -> None:
    def make(tree: Path) -> None:
        (tree / "file").write_text("x")
        os.utime(tree / "file", ns=(0, 5 * SECOND + 999))

    bench.change("base", None, make)
    out = io.BytesIO()
    diff.write_layer(bench.snapshotter, "base", out)
    assert {e.name: e.mtime for e in tar.Reader(io.BytesIO(out.getvalue()))}["file"] == 5 * SECOND


def test_a_tree_that_changes_meanwhile_never_shows_a_file_of_the_host(tmp_path: Path) -> None:
    """A container swaps a directory for a link to the host's, again and again, while the tree is written."""
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("SECRET")
    tree = tmp_path / "tree"
    (tree / "real").mkdir(parents=True)
    (tree / "real/key").write_text("public")
    (tree / "log").write_text("x" * 100_000)
    os.symlink(secret, tree / "link")
    done = threading.Event()

    def swap() -> None:
        number = 0
        while not done.is_set():
            number += 1
            os.rename(tree / "real", tree / "aside")
            os.rename(tree / "link", tree / "real")
            (tree / "log").write_text("y" * (number % 50_000))
            os.rename(tree / "real", tree / "link")
            os.rename(tree / "aside", tree / "real")

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for _ in range(300):
            out = io.BytesIO()
            diff.write_tree(tree, out)
            assert b"SECRET" not in out.getvalue()
            assert all(
                e.name.rstrip("/").split("/")[0] in ("real", "link", "aside", "log") for e in tar.Reader(_rewound(out))
            )
    finally:
        done.set()
        thread.join()


def _rewound(file: io.BytesIO) -> io.BytesIO:
    file.seek(0)
    return file


def test_digests_of_the_writer_are_those_of_the_store(bench: Bench) -> None:
    bench.change("base", None, make_base)
    layer = bench.layer("base")
    stream = compression.Decompressed(io.BytesIO(bench.store.read(layer.blob)))
    assert digests.of(b"".join(stream.chunks())) == layer.diff_id
