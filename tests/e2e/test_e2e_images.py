"""Images carried in and out, named and removed, with the real docker client."""

from __future__ import annotations

import json
import subprocess
import tarfile
from pathlib import Path

import docker  # type: ignore[import-untyped]
import pytest

from tests.e2e.scenario import Scenario
from tests.support.image_archives import MadeImage, docker_archive, tar


def images(scenario: Scenario, *options: str) -> list[str]:
    listed = scenario.docker("images", "--format", "{{.Repository}}:{{.Tag}}", *options)
    return sorted(listed.stdout.split())


def test_an_image_survives_save_and_load(own: Scenario, tmp_path: Path) -> None:
    saved = tmp_path / "saved.tar"
    identifier = own.docker("image", "inspect", "-f", "{{.Id}}", "busybox").line
    own.docker("tag", "busybox", "other/name:1")
    own.docker("save", "-o", str(saved), "busybox", "other/name:1")
    assert own.docker("rmi", "-f", identifier).stdout.splitlines()[:2] == [
        "Untagged: busybox:latest",
        "Untagged: other/name:1",
    ]
    assert images(own, "-a") == []
    loaded = own.docker("load", "-i", str(saved))
    assert loaded.stdout == "Loaded image: busybox:latest\nLoaded image: other/name:1\n"
    assert own.docker("image", "inspect", "-f", "{{.Id}}", "other/name:1").line == identifier
    assert own.docker("run", "--rm", "other/name:1", "echo", "hello").line == "hello"


def test_an_imported_root_runs_with_its_changes(own: Scenario, tmp_path: Path) -> None:
    saved, root = tmp_path / "saved.tar", tmp_path / "root.tar"
    own.docker("save", "-o", str(saved), "busybox")
    with tarfile.open(saved) as archive:
        (listed,) = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
        root.write_bytes(archive.extractfile(listed["Layers"][0]).read())  # type: ignore[union-attr]
    own.docker("import", "-c", 'CMD ["echo", "changed"]', "-c", "ENV A=b", str(root), "imported:1")
    assert own.docker("run", "--rm", "imported:1").line == "changed"
    assert own.docker("run", "--rm", "imported:1", "sh", "-c", "echo $A").line == "b"
    history = own.docker("history", "--format", "{{.Comment}}", "imported:1")
    assert history.line == "Imported from -"


def test_an_image_of_a_container_stays_until_it_is_forced(own: Scenario) -> None:
    container = own.docker("create", "busybox").line
    identifier = own.docker("image", "inspect", "-f", "{{.Id}}", "busybox").line
    refused = own.docker("rmi", "busybox", code=1)
    assert refused.stderr.strip() == (
        'Error response from daemon: conflict: unable to remove repository reference "busybox" (must force) - '
        f"container {container[:12]} is using its referenced image {identifier[7:19]}"
    )
    own.docker("rmi", "-f", "busybox")
    assert images(own, "-a") == []
    own.docker("start", container)


def test_a_hostile_archive_is_an_error_and_changes_nothing(own: Scenario, tmp_path: Path) -> None:
    (tmp_path / "hostile.tar").write_bytes(tar({"../escape": b""}))
    refused = own.docker("load", "-i", str(tmp_path / "hostile.tar"), code=1)
    assert "refused archive: entry '../escape' has a name that leaves the archive" in refused.stderr
    assert images(own) == ["busybox:latest"]


def test_an_image_that_is_not_here_is_told_in_docker_s_words(own: Scenario) -> None:
    assert own.docker("rmi", "nosuch", code=1).stderr.count("No such image: nosuch") == 1


def test_filters_choose_and_prune_removes_what_has_no_name(own: Scenario, tmp_path: Path) -> None:
    old, new = MadeImage({"a": b"1"}, labels={"k": "v"}), MadeImage({"a": b"2"})
    for image in (old, new):
        (tmp_path / "image.tar").write_bytes(docker_archive((image, ["made/it:1"])))
        own.docker("load", "-i", str(tmp_path / "image.tar"))
    assert images(own, "--filter", "reference=made/*") == ["made/it:1"]
    assert images(own, "--filter", "label=k=v") == ["<none>:<none>"]
    assert images(own, "--filter", "dangling=true") == ["<none>:<none>"]
    pruned = own.docker("image", "prune", "-f").stdout
    assert f"deleted: {old.id}" in pruned
    assert images(own) == ["busybox:latest", "made/it:1"]


def test_docker_py_loads_lists_saves_and_removes(own: Scenario) -> None:
    client = docker.DockerClient(own.daemon.host, version="auto")
    (loaded,) = client.images.load(docker_archive((MadeImage({"a": b"1"}), ["py:1"])))
    assert loaded.tags == ["py:1"]
    assert loaded.tag("py", "2")
    assert b"".join(client.images.get("py:1").save(named=True))
    client.images.remove("py:1")
    client.images.remove("py:2")
    with pytest.raises(docker.errors.ImageNotFound):
        client.images.get("py:1")
    client.close()


def test_skopeo_copies_through_saved_archives(own: Scenario, tmp_path: Path) -> None:
    own.docker("save", "-o", str(tmp_path / "saved.tar"), "busybox")
    target = f"oci-archive:{tmp_path / 'copied.tar'}:copied:1"
    source = f"docker-archive:{tmp_path / 'saved.tar'}"
    subprocess.run(["skopeo", "--insecure-policy", "copy", source, target], check=True, capture_output=True)
    assert own.docker("load", "-i", str(tmp_path / "copied.tar")).line == "Loaded image: copied:1"
    inspected = json.loads(own.docker("image", "inspect", "copied:1", "busybox").stdout)
    assert inspected[0]["RootFS"] == inspected[1]["RootFS"]
