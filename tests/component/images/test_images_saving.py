"""Archives that we write: read by ourselves and by skopeo, and those that skopeo writes."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.component.images.conftest import Depot
from tests.support import image_archives as archives
from tests.support.image_archives import MadeImage, docker_archive, layout, named
from wherry.content.store import BlobNotFound
from wherry.images.image import NoSuchImage
from wherry.oci.digest import encoded

ONE = MadeImage({"a": b"1"}, compression="gzip")
TWO = MadeImage({"a": b"1"}, {"b": b"2"}, compression="gzip")

needs_skopeo = pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is not installed")


def members(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as reader:
        names = reader.getnames()
        assert len(names) == len(set(names))
        return {each.name: reader.extractfile(each).read() for each in reader if each.isfile()}  # type: ignore[union-attr]


def skopeo(*arguments: str) -> str:
    command = ["skopeo", "--insecure-policy", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def fill(depot: Depot) -> None:
    entries = [ONE.entry(**named("one:1")), ONE.entry(**named("one:2")), TWO.entry(**named("two:1"))]
    depot.load(layout(entries, ONE, TWO))


def test_what_is_saved_is_what_was_loaded_byte_for_byte(depot: Depot) -> None:
    fill(depot)
    saved = members(depot.save("one:1"))
    for name, data in ONE.files().items():
        assert saved[name] == data
    listed = json.loads(saved["manifest.json"])
    layer = f"blobs/sha256/{archives.sha256(ONE.blobs[0])}"
    assert listed[0]["Config"] == f"blobs/sha256/{encoded(depot.images.resolve('one:1').id)}"
    assert (listed[0]["RepoTags"], listed[0]["Layers"]) == (["one:1"], [layer])
    assert list(listed[0]["LayerSources"]) == [f"sha256:{archives.sha256(ONE.tars[0])}"]
    assert json.loads(saved["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    assert json.loads(saved["repositories"]) == {"one": {"1": archives.sha256(ONE.blobs[0])}}
    (entry,) = json.loads(saved["index.json"])["manifests"]
    assert entry["digest"] == ONE.manifest_digest
    assert entry["annotations"] == {
        "io.containerd.image.name": "docker.io/library/one:1",
        "org.opencontainers.image.ref.name": "1",
    }


def test_the_same_images_give_the_same_archive(depot: Depot) -> None:
    fill(depot)
    assert depot.save("one:1", "two:1") == depot.save("one:1", "two:1")


def test_a_name_without_a_tag_saves_the_whole_repository(depot: Depot) -> None:
    fill(depot)
    listed = json.loads(members(depot.save("one"))["manifest.json"])
    assert [each["RepoTags"] for each in listed] == [["one:1", "one:2"]]


def test_an_id_saves_the_image_without_a_name(depot: Depot) -> None:
    fill(depot)
    saved = members(depot.save(ONE.id))
    assert json.loads(saved["manifest.json"])[0]["RepoTags"] is None
    assert "annotations" not in json.loads(saved["index.json"])["manifests"][0]
    assert "repositories" not in saved


def test_shared_layers_are_written_once(depot: Depot) -> None:
    fill(depot)
    saved = members(depot.save("one:1", "two:1", "one:2"))
    listed = json.loads(saved["manifest.json"])
    assert [each["RepoTags"] for each in listed] == [["one:1", "one:2"], ["two:1"]]
    assert listed[0]["Layers"] == listed[1]["Layers"][:1]


def test_nothing_is_written_if_a_name_or_a_blob_is_missing(depot: Depot) -> None:
    fill(depot)
    out = io.BytesIO()
    with pytest.raises(NoSuchImage, match="No such image: nosuch:latest"):
        depot.images.save(["one:1", "nosuch"], out)
    depot.store.remove(depot.images.resolve("one:1").manifest.layers[0].digest)
    with pytest.raises(BlobNotFound):
        depot.images.save(["one:1"], out)
    assert out.getvalue() == b""


def test_saved_images_load_into_another_place_unchanged(depot: Depot) -> None:
    fill(depot)
    before = depot.images.list()
    saved = depot.save("one", "two:1")
    for image in before:
        depot.images.remove(image.id, lambda _: [], force=True)
    assert depot.blobs() == set()
    assert depot.load(saved) == "Loaded image: one:1\nLoaded image: one:2\nLoaded image: two:1\n"
    after = depot.images.list()
    assert [(i.id, i.manifest_digest, i.references) for i in after] == [
        (i.id, i.manifest_digest, i.references) for i in before
    ]
    depot.check()


@needs_skopeo
@pytest.mark.parametrize("form", ["docker-archive", "oci-archive"])
def test_skopeo_reads_what_we_save(depot: Depot, tmp_path: Path, form: str) -> None:
    fill(depot)
    saved = tmp_path / "saved.tar"
    saved.write_bytes(depot.save("two:1"))
    inspected = json.loads(skopeo("inspect", "--no-tags", f"{form}:{saved}"))
    assert inspected["Created"] == "2024-01-01T00:00:00Z"
    assert len(inspected["Layers"]) == 2
    skopeo("copy", f"{form}:{saved}", f"dir:{tmp_path / 'copy'}")
    manifest = json.loads((tmp_path / "copy" / "manifest.json").read_bytes())
    assert manifest["config"]["digest"] == TWO.id


@needs_skopeo
@pytest.mark.parametrize("form", ["docker-archive", "oci-archive"])
def test_we_load_what_skopeo_writes(depot: Depot, tmp_path: Path, form: str) -> None:
    (tmp_path / "in.tar").write_bytes(docker_archive((TWO, ["two:1"])))
    skopeo("copy", f"docker-archive:{tmp_path / 'in.tar'}", f"{form}:{tmp_path / 'out.tar'}:copied:2")
    said = depot.load((tmp_path / "out.tar").read_bytes())
    assert said == "Loaded image: copied:2\n"
    assert depot.files("copied:2") == {"a": b"1", "b": b"2"}
    depot.check()
