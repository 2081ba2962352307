"""Images from archives of root file systems, and images on top of others."""

from __future__ import annotations

import gzip
import io

import pytest

from tests.component.images.conftest import Depot
from tests.support.image_archives import COMPRESSIONS, MadeImage, docker_archive, sha256, tar
from wherry import errors
from wherry.images.changes import InvalidChange
from wherry.images.image import InvalidTag
from wherry.images.making import Told
from wherry.oci import platform as platforms
from wherry.oci.image_config import Execution

ROOT = tar({"etc/hostname": b"x"})


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_an_archive_becomes_an_image_of_one_gzipped_layer(depot: Depot, compression: str) -> None:
    image = depot.images.import_(
        io.BytesIO(COMPRESSIONS[compression](ROOT)),
        reference="made:1",
        changes=["CMD /bin/x", "ENV A=b"],
        message="by hand",
    )
    assert image.references == ("made:1",)
    assert depot.images.resolve("made:1") == image
    assert depot.files("made:1") == {"etc/hostname": b"x"}
    assert image.config.execution == Execution(cmd=["/bin/sh", "-c", "/bin/x"], env=["A=b"])
    assert image.config.platform == platforms.host()
    assert image.config.rootfs.diff_ids == (f"sha256:{sha256(ROOT)}",)
    assert gzip.decompress(depot.store.read(image.manifest.layers[0].digest)) == ROOT
    (step,) = depot.images.history("made:1")
    assert (step.id, step.comment, step.tags, step.created) == (image.id, "by hand", ("made:1",), image.created)
    depot.check()


def test_an_import_says_where_it_comes_from_and_keeps_the_wanted_platform(depot: Depot) -> None:
    image = depot.images.import_(io.BytesIO(ROOT), platform=platforms.parse("linux/arm64/v8"))
    assert (image.config.comment, image.config.architecture, image.references) == ("Imported from -", "arm64", ())


def test_a_refused_import_leaves_nothing(depot: Depot) -> None:
    for source in (tar({"../x": b""}), b"no archive" * 100, COMPRESSIONS["gzip"](ROOT)[:-20]):
        with pytest.raises(errors.InvalidArgument):
            depot.images.import_(io.BytesIO(source))
    with pytest.raises(InvalidChange, match="RUN is not a valid change command"):
        depot.images.import_(io.BytesIO(ROOT), changes=["RUN x"])
    with pytest.raises(InvalidTag, match="refusing to create an ambiguous tag"):
        depot.images.import_(io.BytesIO(ROOT), reference="sha256:x")
    with pytest.raises(errors.InvalidArgument, match="cannot load windows image on linux"):
        depot.images.import_(io.BytesIO(ROOT), platform=platforms.parse("windows/amd64"))
    assert depot.images.list() == []
    depot.check()


def test_an_image_is_extended_by_a_layer_and_keeps_what_is_below(depot: Depot) -> None:
    depot.load(docker_archive((MadeImage({"a": b"1", "gone": b""}, labels={"kept": "1"}), ["base"])))
    base = depot.images.resolve("base")
    execution = Execution(cmd=["new"], labels=base.config.execution.labels)
    told = Told(comment="why", author="who", created_by="how")

    def write(sink: object) -> None:
        sink.write(tar({"b": b"2", ".wh.gone": b""}))  # type: ignore[attr-defined]

    image = depot.images.extend(base, write, execution, told=told, reference="top:1")
    assert depot.files("top:1") == {"a": b"1", "b": b"2"}
    assert image.manifest.layers[:-1] == base.manifest.layers
    assert image.config.rootfs.diff_ids[:-1] == base.config.rootfs.diff_ids
    assert (image.config.execution, image.config.author, image.config.comment) == (execution, "who", "why")
    steps = depot.images.history("top:1")
    assert [step.created_by for step in steps] == ["how", "layer 0", "nothing"]
    assert [step.id for step in steps] == [image.id, "<missing>", "<missing>"]
    assert sum(step.size for step in steps) == image.size
    depot.images.remove("base", lambda _: [])
    assert depot.files("top:1") == {"a": b"1", "b": b"2"}
    depot.check()


def test_a_layer_that_fails_half_way_leaves_nothing(depot: Depot) -> None:
    depot.load(docker_archive((MadeImage({"a": b"1"}), ["base"])))

    def write(sink: object) -> None:
        sink.write(ROOT[:600])  # type: ignore[attr-defined]
        raise OSError("disk on fire")

    with pytest.raises(OSError, match="fire"):
        depot.images.extend(depot.images.resolve("base"), write, Execution())
    depot.check()
