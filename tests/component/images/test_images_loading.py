"""Archives in every form that exists, honest and hostile."""

from __future__ import annotations

import io
import json
import tarfile
import threading
from collections.abc import Callable
from functools import partial

import pytest

from tests.component.images.conftest import Depot
from tests.support import image_archives as archives
from tests.support.image_archives import COMPRESSIONS, MadeImage, docker_archive, layout, named, tar
from wherry import errors
from wherry.images.image import NoSuchImage
from wherry.images.progress import Progress
from wherry.oci import digest as digests
from wherry.oci import platform as platforms

TWO = MadeImage({"a": b"1", "gone": b"x"}, {"b": b"2", ".wh.gone": b""})


def test_an_old_docker_archive_is_loaded_whatever_the_order_of_its_members(depot: Depot) -> None:
    for number, list_last in enumerate((True, False)):
        said = depot.load(docker_archive((TWO, [f"two:{number}"]), list_last=list_last))
        assert said == f"Loaded image: two:{number}\n"
        assert depot.files("two:0") == {"a": b"1", "b": b"2"}
    image = depot.images.resolve("two:1")
    assert image.id == TWO.id
    assert image.references == ("two:0", "two:1")
    depot.check()


def test_layers_that_are_links_to_others_are_found(depot: Depot) -> None:
    data = tar({"f": b"1"})
    twice = MadeImage({"f": b"1"}, {"f": b"1"})
    listed = [{"Config": "c.json", "RepoTags": ["twice:1"], "Layers": ["x/layer.tar", "y/layer.tar"]}]
    depot.load(
        tar(
            {
                "c.json": twice.config,
                "x/layer.tar": data,
                "y/layer.tar": "../x/layer.tar",
                "manifest.json": json.dumps(listed).encode(),
            }
        )
    )
    assert depot.files("twice:1") == {"f": b"1"}
    depot.check()


@pytest.mark.parametrize("whole", COMPRESSIONS)
@pytest.mark.parametrize("layers", COMPRESSIONS)
def test_every_compression_of_the_archive_and_of_its_layers_is_read(depot: Depot, whole: str, layers: str) -> None:
    image = MadeImage({"f": b"data" * 1000}, compression=layers)
    depot.load(COMPRESSIONS[whole](docker_archive((image, ["x"]))))
    assert depot.images.resolve("x").id == image.id
    assert depot.files("x:latest") == {"f": b"data" * 1000}
    depot.check()


@pytest.mark.parametrize("compression", ["plain", "gzip", "zstd"])
def test_a_layout_keeps_its_manifest_and_blobs_byte_for_byte(depot: Depot, compression: str) -> None:
    image = MadeImage({"f": b"1"}, compression=compression)
    assert depot.load(layout([image.entry(**named("docker.io/library/x:1"))], image)) == "Loaded image: x:1\n"
    found = depot.images.resolve("x:1")
    assert (found.id, found.manifest_digest) == (image.id, image.manifest_digest)
    assert depot.store.read(found.manifest_digest) == image.manifest
    assert depot.store.read(found.manifest.layers[0].digest) == image.blobs[0]
    depot.check()


def test_several_entries_of_one_manifest_are_names_of_one_image(depot: Depot) -> None:
    entries = [TWO.entry(**named("a:1")), TWO.entry(**named("localhost:5000/b:2"))]
    assert depot.load(layout(entries, TWO)) == "Loaded image: a:1\nLoaded image: localhost:5000/b:2\n"
    assert depot.images.resolve("a:1").references == ("a:1", "localhost:5000/b:2")


def test_an_image_without_a_name_is_told_by_its_id(depot: Depot) -> None:
    assert depot.load(docker_archive((TWO, None))) == f"Loaded image ID: {TWO.id}\n"
    assert depot.load(layout([TWO.entry()], TWO)) == f"Loaded image ID: {TWO.id}\n"
    bare = TWO.entry(annotations={"org.opencontainers.image.ref.name": "latest"})
    assert depot.load(layout([bare], TWO)) == f"Loaded image ID: {TWO.id}\n"
    assert depot.images.resolve(TWO.id).references == ()


def test_a_name_that_moves_leaves_the_old_image_without_one(depot: Depot) -> None:
    new = MadeImage({"new": b""})
    depot.load(docker_archive((TWO, ["x:1"])))
    said = depot.load(docker_archive((new, ["x:1"])))
    assert said == (
        f"The image x:1 already exists, renaming the old one with ID {TWO.id} to empty string\nLoaded image: x:1\n"
    )
    assert depot.images.resolve("x:1").id == new.id
    assert depot.images.resolve(TWO.id).dangling


def test_a_nested_index_gives_the_image_for_this_machine(depot: Depot) -> None:
    here = platforms.host()
    ours = MadeImage({"ours": b""}, architecture=here.architecture)
    other = MadeImage({"other": b""}, architecture="s390x")
    proof = MadeImage(architecture="unknown", os="unknown")
    inner = archives.index(
        proof.entry(platform={"os": "unknown", "architecture": "unknown"}),
        other.entry(platform={"os": "linux", "architecture": "s390x"}),
        ours.entry(platform={"os": "linux", "architecture": here.architecture}),
    )
    outer = {**archives.descriptor(f"{archives.OCI}.index.v1+json", inner), **named("x:1")}
    whole = layout([outer], ours, other, proof, more=dict([archives.blob(inner)]))
    depot.load(whole)
    assert [image.id for image in depot.images.list()] == [ours.id]
    depot.check()
    depot.load(whole, platforms.parse("linux/s390x"))
    assert depot.images.resolve("x:1").id == other.id
    with pytest.raises(errors.NotFound) as caught:
        depot.load(whole, platforms.parse("linux/riscv64"))
    assert caught.value.message == (
        "image with reference x:1 was found but does not provide the specified platform (linux/riscv64)"
    )
    only_other = archives.index(other.entry(platform={"os": "linux", "architecture": "s390x"}))
    entry = archives.descriptor(f"{archives.OCI}.index.v1+json", only_other)
    depot.load(layout([entry], other, more=dict([archives.blob(only_other)])))
    depot.check()


def test_a_docker_archive_for_another_platform_is_refused_if_one_was_asked_for(depot: Depot) -> None:
    with pytest.raises(errors.NotFound, match="does not provide the specified platform"):
        depot.load(docker_archive((TWO, ["x"])), platforms.parse("linux/arm64"))
    depot.check()


def test_loading_again_changes_nothing_and_says_the_same(depot: Depot) -> None:
    archive = layout([TWO.entry(**named("x:1"))], TWO)
    depot.load(archive)
    before = (depot.blobs(), depot.stacks())
    said: list[Progress] = []
    depot.images.load(io.BytesIO(archive), said.append)
    assert [each.stream for each in said] == ["Loaded image: x:1\n"]
    assert (depot.blobs(), depot.stacks()) == before


def test_each_new_layer_is_reported_from_start_to_end(depot: Depot) -> None:
    said: list[Progress] = []
    depot.images.load(io.BytesIO(docker_archive((TWO, ["x"]))), said.append)
    first, second = (archives.sha256(each)[:12] for each in TWO.tars)
    loading = [(each.id, each.current == each.total) for each in said if each.status == "Loading layer"]
    assert loading == [(first, False), (second, False), (first, True), (second, True)]


def test_an_image_without_layers_is_loaded(depot: Depot) -> None:
    empty = MadeImage()
    depot.load(docker_archive((empty, ["empty"])))
    image = depot.images.resolve("empty")
    assert (image.id, image.size, image.chain_id) == (empty.id, 0, None)
    assert depot.images.rootfs(image) is None


def _swapped(files: dict[str, bytes | str], name: str, content: bytes | str | None) -> bytes:
    changed = {key: value for key, value in files.items() if key != name}
    return tar(changed if content is None else {**changed, name: content})


LAYOUT: dict[str, bytes | str] = {
    "oci-layout": b"{}",
    "index.json": archives.index(TWO.entry(**named("x:1"))),
    **TWO.files(),
}
LAYER = next(iter(dict([archives.blob(TWO.blobs[1])])))
CONFIG = next(iter(dict([archives.blob(TWO.config)])))
FOREIGN = MadeImage({"f": b""}, os="windows")
SHORT = MadeImage({"f": b""}, rootfs={"type": "layers", "diff_ids": []}, history=[])
LYING = MadeImage({"f": b""}, rootfs={"type": "layers", "diff_ids": [f"sha256:{'0' * 64}"]})
LOST = MadeImage({"f": b""})
LOST_DIRECTORY = archives.sha256(b"v1" + LOST.tars[0])


def _listed(**members: object) -> bytes:
    return tar({"c.json": TWO.config, "manifest.json": json.dumps([{"Config": "c.json", **members}]).encode()})


@pytest.mark.parametrize(
    ("archive", "message"),
    [
        pytest.param(b"", "does not contain a manifest.json", id="nothing"),
        pytest.param(tar({"x": b""}), "does not contain a manifest.json", id="no list"),
        pytest.param(tar({"manifest.json": b"[]"}), "contains no image", id="empty list"),
        pytest.param(tar({"manifest.json": b"{"}), "manifest.json: ", id="no JSON"),
        pytest.param(tar({"manifest.json": b'[{"Config":1}]'}), "manifest.json: ", id="wrong JSON"),
        pytest.param(tar({"manifest.json": b" " * (9 << 20)}), "manifest.json is larger than", id="giant JSON"),
        pytest.param(_listed(Config="no.json"), "it lacks no.json", id="no config"),
        pytest.param(_listed(Layers=["no.tar"]), "it lacks no.tar", id="no layer"),
        pytest.param(_listed(Config="../../c.json"), "it lacks ../../c.json", id="path out of the archive"),
        pytest.param(_listed(RepoTags=["BAD"]), "must be lowercase", id="bad name"),
        pytest.param(_listed(), "layers length mismatch: expected 2, got 0", id="too few layers"),
        pytest.param(tar({"../x": b""}), "'../x' has a name that leaves the archive", id="dots"),
        pytest.param(tar({"a/../../x": b""}), "leaves the archive", id="dots inside"),
        pytest.param(tar({"/x": b""}), "leaves the archive", id="absolute"),
        pytest.param(tar({"manifest.json": "manifest.json"}), "does not contain", id="link to itself"),
        pytest.param(tar({"manifest.json": "a", "a": "manifest.json"}), "does not contain", id="circle of links"),
        pytest.param(tar({"manifest.json": "/etc/passwd"}), "does not contain", id="link out of the archive"),
        pytest.param(_swapped(LAYOUT, LAYER, b"other"), f"{LAYER} has the digest sha256:", id="wrong digest"),
        pytest.param(_swapped(LAYOUT, "blobs/sha256/xyz", b""), "blobs/sha256/xyz is not named after", id="no digest"),
        pytest.param(_swapped(LAYOUT, LAYER, None), f"blob {digests.of(TWO.blobs[1])} is missing", id="blob missing"),
        pytest.param(_swapped(LAYOUT, CONFIG, None), f"blob {TWO.id} is missing", id="config missing"),
        pytest.param(_swapped(LAYOUT, "index.json", archives.index(LOST.entry())), "it lacks blobs/", id="no manifest"),
        pytest.param(_swapped(LAYOUT, "index.json", TWO.manifest), "index.json is not an index", id="no index"),
        pytest.param(docker_archive((FOREIGN, ["x"])), "cannot load windows image on linux", id="other system"),
        pytest.param(docker_archive((SHORT, ["x"])), "expected 0, got 1", id="too few diff IDs"),
        pytest.param(docker_archive((LYING, ["x"])), f"expected the content sha256:{'0' * 64}", id="wrong diff ID"),
        pytest.param(docker_archive((TWO, ["x"]))[:3000], "damaged archive", id="cut off"),
        pytest.param(COMPRESSIONS["gzip"](docker_archive((TWO, ["x"])))[:-50], "damaged", id="cut off, compressed"),
    ],
)
def test_a_broken_or_hostile_archive_is_refused_and_leaves_nothing(depot: Depot, archive: bytes, message: str) -> None:
    depot.load(docker_archive((MadeImage({"here": b"before"}), ["before"])))
    with pytest.raises(errors.WherryError) as caught:
        depot.load(archive)
    assert message in caught.value.message
    assert [image.references for image in depot.images.list()] == [("before:latest",)]
    depot.check()


def test_one_bad_image_keeps_the_others_of_its_archive_out(depot: Depot) -> None:
    with pytest.raises(errors.WherryError):
        depot.load(docker_archive((TWO, ["good"]), (LYING, ["bad"])))
    assert depot.images.list() == []
    depot.check()


def test_a_manifest_with_the_wrong_size_of_a_layer_is_refused(depot: Depot) -> None:
    document = json.loads(TWO.manifest)
    document["layers"][0]["size"] += 1
    manifest = json.dumps(document).encode()
    entry = archives.descriptor(f"{archives.OCI}.manifest.v1+json", manifest)
    with pytest.raises(errors.WherryError, match="bytes"):
        depot.load(layout([entry], TWO, more=dict([archives.blob(manifest)])))


def test_indexes_nested_without_end_are_refused(depot: Depot) -> None:
    more: dict[str, bytes] = {}
    entry = TWO.entry()
    for _ in range(8):
        inner = archives.index(entry)
        entry = archives.descriptor(f"{archives.OCI}.index.v1+json", inner)
        more.update([archives.blob(inner)])
    with pytest.raises(errors.WherryError, match="nested too deeply"):
        depot.load(layout([entry], TWO, more=more))
    depot.check()


def test_a_sparse_member_is_refused(depot: Depot) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        entry = tarfile.TarInfo("layer.tar")
        entry.pax_headers = {"GNU.sparse.map": "0,1", "GNU.sparse.size": "1000000000000"}
        entry.size = 1
        archive.addfile(entry, io.BytesIO(b"x"))
    with pytest.raises(errors.WherryError, match="is sparse"):
        depot.load(out.getvalue())
    depot.check()


def test_the_rest_of_the_stream_is_read_so_that_its_writer_is_not_cut_off(depot: Depot) -> None:
    source = io.BytesIO(docker_archive((TWO, ["x"])) + bytes(1 << 20))
    depot.images.load(source)
    assert source.read() == b""


def test_loads_and_removals_at_once_lose_nothing_and_leave_nothing(depot: Depot) -> None:
    shared = {"shared": b"s" * 10_000}
    made = [MadeImage(shared, {"own": bytes([number])}) for number in range(3)]
    loads = [docker_archive((image, [f"x:{number}"])) for number, image in enumerate(made)]
    failures: list[BaseException] = []

    def repeat(work: Callable[[], object]) -> None:
        try:
            for _ in range(6):
                work()
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    def remove(number: int) -> None:
        try:
            depot.images.remove(f"x:{number}", lambda _: [])
        except NoSuchImage:
            pass

    works: list[Callable[[], object]] = [partial(depot.load, load) for load in loads]
    works += [partial(remove, number) for number in range(3)]
    threads = [threading.Thread(target=repeat, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for image in depot.images.list():
        assert depot.files(image.id)["shared"] == shared["shared"]
    depot.images.reconcile()
    depot.check()
