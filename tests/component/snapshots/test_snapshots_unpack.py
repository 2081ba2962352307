"""Layers through the real worker process, over both snapshotters."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import signal
import stat
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
import zstandard

from tests.support.trees import describe, mounted, tmpfs
from wherry.content.store import Store
from wherry.linux import mount
from wherry.oci import digest as digests
from wherry.oci.digest import Digest
from wherry.snapshots import compression, extraction, tar
from wherry.snapshots.catalogue import SCHEMA
from wherry.snapshots.native import Native
from wherry.snapshots.overlay import Overlay
from wherry.snapshots.snapshotter import SnapshotNotFound, Snapshotter
from wherry.snapshots.tar import Entry
from wherry.snapshots.unpack import DiffIDMismatch, Layer, Limits, Unpacker, chain_ids
from wherry.state.database import Database

T = TypeVar("T")
KINDS: dict[str, Callable[[Path, Database], Snapshotter]] = {"overlay": Overlay, "native": Native}


class Bench:
    """A store, a snapshotter and an unpacker on one disk."""

    def __init__(self, disk: Path, kind: str) -> None:
        self.disk = disk
        self.store = Store(disk / "content")
        self._database = Database.open(disk / "state.db", [SCHEMA])
        self.snapshotter = KINDS[kind](disk / "snapshots", self._database)
        self.unpacker = Unpacker(self.snapshotter, self.store)

    def close(self) -> None:
        self.unpacker.close()
        self._database.close()

    def layer(self, archive: bytes, compress: Callable[[bytes], bytes] = gzip.compress) -> Layer:
        blob = compress(archive)
        with self.store.ingest(digests.of(blob)) as writer:
            writer.write(blob)
            return Layer(writer.commit(), digests.of(archive))

    def unpack(self, *archives: bytes) -> Digest:
        name = self.unpacker.unpack([self.layer(archive) for archive in archives])
        assert name is not None
        return name

    def describe(self, name: Digest) -> dict[str, tuple[object, ...]]:
        return self.look(name, describe)

    def look(self, name: Digest, question: Callable[[Path], T]) -> T:
        with mounted(self.snapshotter.view("look", name), self.disk / "look") as tree:
            answer = question(tree)
        self.snapshotter.remove("look")
        return answer

    def paths(self, *archives: bytes) -> list[str]:
        return self.look(self.unpack(*archives), lambda tree: sorted(str(p.relative_to(tree)) for p in tree.rglob("*")))


@pytest.fixture(params=KINDS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    with tmpfs(tmp_path / "disk") as disk:
        bench = Bench(disk, request.param)
        yield bench
        bench.close()


def archive(*entries: Entry | tuple[Entry, bytes] | str) -> bytes:
    """Entries; a text stands for an empty file, or for a directory if it ends with a slash."""
    out = io.BytesIO()
    with tar.Writer(out) as writer:
        for each in entries:
            if isinstance(each, str):
                each = Entry(each, tar.DIRECTORY, mode=0o755) if each.endswith("/") else Entry(each, tar.FILE)
            entry, data = each if isinstance(each, tuple) else (each, b"")
            entry.size = len(data)
            writer.add(entry, [data])
    return out.getvalue()


def test_everything_in_an_archive_is_on_disk(bench: Bench) -> None:
    made = archive(
        Entry("./", tar.DIRECTORY, mode=0o711, uid=5, gid=6, mtime=10**9),
        Entry("bin/", tar.DIRECTORY, mode=0o1775, uid=1, gid=2, mtime=123_456_789_012_345_678, xattrs={"user.x": b"d"}),
        (Entry("bin/su", tar.FILE, mode=0o6755, uid=0, gid=7, mtime=1_000_000_001), b"#!"),
        (Entry("bin/ping", tar.FILE, mode=0o755, mtime=5, xattrs={"security.capability": CAPABILITY}), b"ping"),
        Entry("bin/ping6", tar.LINK, target="bin/ping"),
        Entry("sh", tar.SYMLINK, mode=0o777, uid=3, gid=4, target="/bin/su", mtime=-(10**9)),
        Entry("null", tar.CHARACTER, mode=0o666, uid=9, device=(1, 3), mtime=77),
        Entry("disk", tar.BLOCK, mode=0o640, gid=6, device=(8, 1), mtime=77),
        Entry("pipe", tar.FIFO, mode=0o600, mtime=77),
        (Entry("ü" * 100 + "\udcff", tar.FILE, mode=0o200, uid=2**32 - 2, mtime=1), b"x" * 100_000),
    )
    found = bench.describe(bench.unpack(made))
    assert found["."][:2] == (oct(stat.S_IFDIR | 0o711), (5, 6))
    assert found["bin"] == (oct(stat.S_IFDIR | 0o1775), (1, 2), None, (("user.x", b"d"),), (), 123_456_789_012_345_678)
    assert found["bin/su"][:2] == (oct(stat.S_IFREG | 0o6755), (0, 7))
    assert found["bin/ping"] == found["bin/ping6"]
    assert found["bin/ping"][3:] == ((("security.capability", CAPABILITY),), ("bin/ping", "bin/ping6"), 5)
    assert found["sh"] == (oct(stat.S_IFLNK | 0o777), (3, 4), "/bin/su", (), ("sh",), -(10**9))
    assert found["null"] == (oct(stat.S_IFCHR | 0o666), (9, 0), os.makedev(1, 3), (), ("null",), 77)
    assert found["disk"] == (oct(stat.S_IFBLK | 0o640), (0, 6), os.makedev(8, 1), (), ("disk",), 77)
    assert found["pipe"][0] == oct(stat.S_IFIFO | 0o600)
    assert found["ü" * 100 + "\udcff"][:2] == (oct(stat.S_IFREG | 0o200), (2**32 - 2, 0))


CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstandard.compress, lzma.compress])
def test_every_compression_gives_the_same_tree(bench: Bench, compress: Callable[[bytes], bytes]) -> None:
    layer = bench.layer(archive("etc/", (Entry("etc/hosts", tar.FILE), os.urandom(3_000_000))), compress)
    name = bench.unpacker.unpack([layer])
    assert name == layer.diff_id
    assert bench.look(name, lambda tree: (tree / "etc/hosts").stat().st_size) == 3_000_000


def test_what_gnu_tar_makes_is_extracted_as_gnu_tar_does(bench: Bench, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / ("long" * 40) / ("names" * 20)).mkdir(parents=True)
    (source / "file").write_text("text")
    os.link(source / "file", source / "again")
    os.symlink("x" * 150, source / "link")
    with (source / "sparse").open("wb") as file:
        file.seek(1_000_000)
        file.write(b"middle")
        file.truncate(5_000_000)
    for form in ("gnu", "posix"):
        command = ["tar", f"--format={form}", "--sparse", "--numeric-owner", "-C", str(source), "-cf", "-", "."]
        made = subprocess.run(command, check=True, capture_output=True).stdout
        expected = tmp_path / form
        expected.mkdir()
        subprocess.run(["tar", "-C", str(expected), "-xpf", "-"], input=made, check=True)
        name = bench.unpack(made)
        assert bench.describe(name) == describe(expected)
        assert bench.look(name, lambda tree: (tree / "sparse").stat().st_blocks) < 1000


class TestWhiteouts:
    def test_a_file_and_a_directory_are_deleted(self, bench: Bench) -> None:
        base = archive("a/", "a/1", "a/2", "b/", "b/1", "c")
        assert bench.paths(base, archive("a/", "a/.wh.1", ".wh.b")) == ["a", "a/2", "c"]

    def test_deletions_reach_over_layers(self, bench: Bench) -> None:
        assert bench.paths(archive("a", "b"), archive("c"), archive(".wh.a"), archive("d")) == ["b", "c", "d"]

    def test_what_was_deleted_can_come_back(self, bench: Bench) -> None:
        assert bench.paths(archive("a/", "a/old"), archive(".wh.a"), archive("a/", "a/new")) == ["a", "a/new"]

    @pytest.mark.parametrize("first", [True, False])
    def test_an_opaque_directory_shows_only_its_own(self, bench: Bench, first: bool) -> None:
        base = archive("a/", "a/old", "a/sub/", "a/sub/old")
        entries = ["a/.wh..wh..opq", "a/new", "a/sub/new"]
        assert bench.paths(base, archive("a/", *(entries if first else reversed(entries)))) == [
            "a",
            "a/new",
            "a/sub",
            "a/sub/new",
        ]

    @pytest.mark.parametrize("first", [True, False])
    @pytest.mark.parametrize("directory", [True, False])
    def test_a_whiteout_never_hides_what_its_own_layer_has(self, bench: Bench, first: bool, directory: bool) -> None:
        base = archive("x/", "x/old") if directory else archive("x")
        entries = [".wh.x", "x/new"] if directory else [".wh.x", "x"]
        expected = ["x", "x/new"] if directory else ["x"]
        assert bench.paths(base, archive(*(entries if first else reversed(entries)))) == expected

    def test_whiteouts_of_nothing_are_fine(self, bench: Bench) -> None:
        base, layer = archive(".wh.x", "a/.wh..wh..opq", "b"), archive("c/.wh.y", ".wh.z")
        found = bench.look(bench.unpack(base, layer), lambda tree: {p.name for p in tree.iterdir() if p.exists()})
        assert {"b", "c"} <= found <= {"a", "b", "c"}

    def test_a_directory_becomes_a_file_and_a_link_becomes_a_directory(self, bench: Bench) -> None:
        base = archive("d/", "d/1", Entry("l", tar.SYMLINK, target="d"))
        found = bench.describe(bench.unpack(base, archive("d", "l/", "l/2")))
        assert sorted(found) == [".", "d", "l", "l/2"]
        assert found["d"][0] == oct(stat.S_IFREG | 0o644)

    def test_notes_of_aufs_are_passed_over(self, bench: Bench) -> None:
        assert bench.paths(archive(".wh..wh.aufs", ".wh..wh.plnk/", ".wh..wh.plnk/99.1", "a")) == ["a"]


def test_directories_without_an_entry_keep_what_lower_layers_say(bench: Bench) -> None:
    base = archive(
        Entry("./", tar.DIRECTORY, mode=0o700, uid=11),
        Entry("a/", tar.DIRECTORY, mode=0o1777, uid=12, gid=13, xattrs={"user.x": b"1"}),
        Entry("a/b/", tar.DIRECTORY, mode=0o750, uid=14),
        Entry("gone/", tar.DIRECTORY, mode=0o700, uid=15),
    )
    found = bench.describe(bench.unpack(base, archive("other"), archive(".wh.gone"), archive("a/b/file", "gone/new")))
    assert [found[path][:2] for path in (".", "a", "a/b", "gone")] == [
        (oct(stat.S_IFDIR | 0o700), (11, 0)),
        (oct(stat.S_IFDIR | 0o1777), (12, 13)),
        (oct(stat.S_IFDIR | 0o750), (14, 0)),
        (oct(stat.S_IFDIR | 0o755), (0, 0)),
    ]
    assert found["a"][3] == (("user.x", b"1"),)


def test_later_entries_win(bench: Bench) -> None:
    made = archive(
        (Entry("a", tar.FILE), b"first"),
        (Entry("a", tar.FILE), b"second"),
        "d/",
        "d/file",
        (Entry("d", tar.FILE), b"no directory"),
        Entry("l", tar.SYMLINK, target="a"),
        (Entry("l", tar.FILE), b"no link"),
    )
    texts = bench.look(bench.unpack(made), lambda tree: {p.name: p.read_text() for p in tree.iterdir()})
    assert texts == {"a": "second", "d": "no directory", "l": "no link"}


def test_chain_ids_are_those_of_the_specification(bench: Bench) -> None:
    first, second = archive("a"), archive("b")
    a, b = digests.of(first), digests.of(second)
    assert bench.unpack(first, second) == chain_ids([a, b])[1] == digests.of(f"{a} {b}".encode())
    assert [info.name for info in bench.snapshotter.walk() if info.parent is None] == [a]


def test_a_layer_that_is_there_is_not_unpacked_again(bench: Bench) -> None:
    layer = bench.layer(archive("a"))
    bench.unpacker.unpack([layer])
    bench.store.remove(layer.blob)
    assert bench.unpacker.unpack([layer]) == layer.diff_id


def test_images_that_share_layers_can_be_unpacked_at_once(bench: Bench) -> None:
    layers = [bench.layer(archive(f"file{number}")) for number in range(8)]
    names: list[Digest | None] = []
    threads = [
        threading.Thread(target=lambda n=n: names.append(bench.unpacker.unpack(layers[:n]))) for n in (8, 8, 5, 8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(names)) == 2
    assert len(list(bench.snapshotter.walk())) == 8


def test_other_content_than_the_config_says_is_refused(bench: Bench) -> None:
    layer = bench.layer(archive("a"))
    with pytest.raises(DiffIDMismatch, match=layer.diff_id):
        bench.unpacker.unpack([Layer(layer.blob, digests.of(b"other"))])
    assert list(bench.snapshotter.walk()) == []
    assert os.listdir(bench.disk / "snapshots") == []


def test_a_cut_off_layer_is_refused_and_leaves_nothing(bench: Bench) -> None:
    whole = archive((Entry("a", tar.FILE), os.urandom(100_000)))
    for compress, error in ((bytes, tar.DamagedArchive), (gzip.compress, compression.DamagedStream)):
        half = compress(whole)[:50_000]
        with bench.store.ingest("half") as writer:
            writer.write(half)
            blob = writer.commit()
        with pytest.raises(error):
            bench.unpacker.unpack([Layer(blob, digests.of(whole))])
    assert os.listdir(bench.disk / "snapshots") == []


def test_the_lower_layers_of_a_failed_image_stay(bench: Bench) -> None:
    good, bad = bench.layer(archive("a")), bench.layer(archive("../b"))
    with pytest.raises(tar.HostileArchive):
        bench.unpacker.unpack([good, bad])
    assert [info.name for info in bench.snapshotter.walk()] == [good.diff_id]


def test_bombs_are_stopped(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "disk") as disk:
        bench = Bench(disk, "overlay")
        unpacker = Unpacker(bench.snapshotter, bench.store, limits=Limits(bytes=10_000_000, entries=100))
        for made, reason in (
            (archive((Entry("zeros", tar.FILE), bytes(20_000_000))), "10000000 bytes"),
            (archive(*(f"f{number}" for number in range(200))), "100 entries"),
        ):
            with pytest.raises(extraction.ArchiveTooLarge, match=reason):
                unpacker.unpack([bench.layer(made)])
        assert os.listdir(disk / "snapshots") == []
        unpacker.close()


def test_a_full_disk_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    mount.MountOperation("tmpfs", "tmpfs", str(tmp_path / "disk"), ("size=4m",)).execute()
    try:
        bench = Bench(tmp_path / "disk", "overlay")
        with pytest.raises(extraction.ExtractionFailed, match="No space left"):
            bench.unpack(archive((Entry("zeros", tar.FILE), bytes(20_000_000))))
        assert os.listdir(tmp_path / "disk/snapshots") == [], "room was made although the table had none to say so"
        assert list(bench.snapshotter.walk()) == []
        bench.unpacker.close()
    finally:
        mount.unmount(str(tmp_path / "disk"))


KILLED = """
import sys
from pathlib import Path
from typing import TypeVar
from tests.component.snapshots import test_snapshots_unpack as t
bench = t.Bench(Path(sys.argv[1]), sys.argv[2])
bench.unpack(t.archive("a"), t.archive("b"))
"""


@pytest.mark.parametrize("failpoint", ["unpack:before-commit", "snapshot:before-commit"])
def test_a_kill_while_unpacking_leaves_no_half_layer(bench: Bench, failpoint: str) -> None:
    kind = type(bench.snapshotter).__name__.lower()
    environment = {**os.environ, "WHERRY_FAULTS": f"{failpoint}=kill", "PYTHONPATH": "src:."}
    command = [sys.executable, "-c", KILLED, str(bench.disk), kind]
    assert subprocess.run(command, env=environment, check=False).returncode == -signal.SIGKILL

    again = Bench(bench.disk, kind)
    again.snapshotter.reconcile()
    assert [info.name for info in again.snapshotter.walk() if info.name.startswith("unpack-")] == []
    assert again.paths(archive("a"), archive("b")) == ["a", "b"]
    again.unpacker.close()


def test_the_tree_of_a_lower_layer_is_never_a_place_for_modules(bench: Bench) -> None:
    evil = b"import os; os.abort()"
    base = archive(
        *((Entry(f"{name}.py", tar.FILE), evil) for name in ("json", "hashlib", "isal", "zstandard", "wherry"))
    )
    assert "new" in bench.paths(base, archive("new"))


def raw(name: bytes, type_: bytes = b"0", target: bytes = b"", **changes: int) -> bytes:
    info = tarfile.TarInfo()
    info.name, info.linkname = name.decode("utf-8", "surrogateescape"), target.decode("utf-8", "surrogateescape")
    info.type = type_
    info.uid = changes.get("uid", 0)
    info.devmajor = changes.get("major", 0)
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


REFUSED = {
    "up": raw(b"../escaped"),
    "up in the middle": raw(b"a/../../escaped"),
    "up behind a dot": raw(b"./a/./../../escaped"),
    "absolute and up": raw(b"/../escaped"),
    "up and back": raw(b"../look/escaped"),
    "nothing but up": raw(b".."),
    "no name": raw(b""),
    "a file as root": raw(b"./"),
    "a link as root": raw(b"/", b"2", b"/etc"),
    "a hard link out": raw(b"passwd", b"1", b"../../etc/passwd"),
    "a hard link to an absolute path": raw(b"passwd", b"1", b"/etc/passwd"),
    "a hard link to a link out": raw(b"l", b"2", b"/etc/passwd") + raw(b"h", b"1", b"l/x"),
    "a hard link to itself": raw(b"h", b"1", b"h"),
    "a hard link to a directory": raw(b"d/", b"5") + raw(b"h", b"1", b"d"),
    "a whiteout without a name": raw(b".wh."),
    "a whiteout of this directory": raw(b"a/.wh.."),
    "a whiteout of the parent": raw(b"a/.wh..."),
    "below a whiteout": raw(b"a/.wh.b/c"),
    "below a file": raw(b"a") + raw(b"a/b"),
    "below a dangling link": raw(b"a", b"2", b"nowhere") + raw(b"a/b"),
    "below a link that goes in circles": raw(b"a", b"2", b"a") + raw(b"a/b"),
    "below a link out of the root": raw(b"a", b"2", b"../../../../tmp") + raw(b"a/b"),
    "below an absolute link": raw(b"a", b"2", b"/tmp") + raw(b"a/b"),
    "below a device": raw(b"a", b"3") + raw(b"a/b"),
    "too long a name": raw(b"n" * 300),
    "too deep a path": raw(b"d/" * 3000 + b"f"),
    "nobody's user": raw(b"a", uid=2**32 - 1),
    "a user beyond numbers": raw(b"a", uid=2**40),
    "a device beyond numbers": raw(b"a", b"3", major=0o7777777),
    "an unknown type": raw(b"a", b"Q"),
    "a link without target": raw(b"a", b"2"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_hostile_archives_are_refused_with_the_entry(bench: Bench, name: str) -> None:
    with untouched(bench), pytest.raises(tar.HostileArchive) as caught:
        bench.unpack(raw(b"before") + REFUSED[name] + bytes(1024))
    assert isinstance(caught.value.entry, str)
    assert list(bench.snapshotter.walk()) == []
    assert os.listdir(bench.disk / "snapshots") == []


HARMLESS = {
    "an absolute path": (raw(b"/etc/shadow"), {"etc/shadow"}),
    "many slashes": (raw(b"//etc//./shadow"), {"etc/shadow"}),
    "through an absolute link": (raw(b"etc/", b"5") + raw(b"a", b"2", b"/etc") + raw(b"a/shadow"), {"etc/shadow"}),
    "through a link out": (raw(b"etc/", b"5") + raw(b"a", b"2", b"../../../etc") + raw(b"a/shadow"), {"etc/shadow"}),
    "through two links": (
        raw(b"etc/", b"5") + raw(b"b", b"2", b"/") + raw(b"a", b"2", b"b/etc") + raw(b"a/shadow"),
        {"etc/shadow"},
    ),
    "a directory in place of a link": (raw(b"a", b"2", b"/etc") + raw(b"a/", b"5") + raw(b"a/shadow"), {"a/shadow"}),
    "a file in place of a link": (raw(b"shadow", b"2", b"/etc/shadow") + raw(b"shadow"), {"shadow"}),
    "a directory in place of a link in place of a directory": (
        raw(b"a/", b"5") + raw(b"a", b"2", b"/etc") + raw(b"a/", b"5") + raw(b"a/shadow"),
        {"a/shadow"},
    ),
    "a hard link to a link": (raw(b"l", b"2", b"/etc/shadow") + raw(b"h", b"1", b"l") + raw(b"h"), {"l", "h"}),
    "a file over a device": (raw(b"a", b"3", major=1) + raw(b"a"), {"a"}),
    "proc is a link": (raw(b"a", b"2", b"/proc/self/cwd"), {"a"}),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_points_elsewhere_stays_inside(bench: Bench, name: str) -> None:
    made, expected = HARMLESS[name]
    with untouched(bench):
        assert expected <= set(bench.paths(made + bytes(1024)))


def test_overlay_attributes_never_come_from_an_archive(bench: Bench) -> None:
    xattrs = {"trusted.overlay.redirect": b"/secret", "trusted.overlay.opaque": b"y", "trusted.mine": b"1"}
    base = archive("secret/", "secret/key", "d/", "d/old")
    name = bench.unpack(base, archive(Entry("d/", tar.DIRECTORY, mode=0o755, xattrs=xattrs)))
    assert "d/old" in bench.describe(name)
    tree = bench.snapshotter.trees(name)[0] / "d"
    assert os.listxattr(tree) == ["trusted.mine"]


class untouched:  # noqa: N801 - used as a statement
    """The host's files that an escape would change, and the directories around the tree, stay as they are."""

    def __init__(self, bench: Bench) -> None:
        self._paths = [Path("/etc/passwd"), Path("/etc/shadow"), Path("/tmp"), bench.disk]

    def __enter__(self) -> None:
        self._before = self._look()

    def __exit__(self, *_: object) -> None:
        assert self._look() == self._before

    def _look(self) -> list[object]:
        found: list[object] = [Path("/etc/passwd").read_bytes(), Path("/etc/shadow").stat().st_ino]
        for path in self._paths:
            status = path.stat()
            found.append((status.st_mode, status.st_uid, status.st_gid, status.st_nlink if path.is_file() else 0))
        found.append(Path("/etc/escaped").exists() or Path("/tmp/b").exists())
        found.append(sorted(p.name for p in self._paths[3].iterdir() if p.name not in ("look", "content")))
        return found


def test_the_worker_sees_only_its_directory_and_has_few_privileges(bench: Bench) -> None:
    """Watched from outside: a fifo as blob keeps it waiting."""
    from wherry.snapshots import worker

    tree = bench.disk / "tree"
    tree.mkdir()
    pipe = bench.disk / "pipe"
    pipe.write_bytes(b"")
    code = (
        "import sys, os; sys.path[:] = sys.argv[1:]\n"
        "from wherry.snapshots import worker\n"
        "worker.enter(os.getcwd()); worker.give_up_privileges(40, 1000)\n"
        "print(os.listdir('/'), os.listdir('/..'), flush=True); sys.stdin.read()\n"
    )
    assert worker.__file__
    modules = [path for path in sys.path if os.path.isabs(path)]
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", code, *modules],
        cwd=tree,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "[] []\n"
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert "CapBnd:\t00000000" in status
        assert int(status.split("CapEff:\t")[1].split()[0], 16) == int(status.split("CapBnd:\t")[1].split()[0], 16)
        assert "NoNewPrivs:\t1" in status
        assert len(mount.mounts(process.pid)) == 1
        process.stdin.close()  # type: ignore[union-attr]


def test_a_missing_blob_is_named(bench: Bench) -> None:
    from wherry.content.store import BlobNotFound

    missing = Layer(digests.of(b"no"), digests.of(b"no"))
    with pytest.raises(BlobNotFound, match=missing.blob):
        bench.unpacker.unpack([missing])
    with pytest.raises(SnapshotNotFound):
        bench.snapshotter.stat(missing.diff_id)
