"""Finding, naming and listing images, with real tables and documents but without layers."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.content.leases import Leases
from wherry.content.store import Store
from wherry.images import catalogue
from wherry.images.admission import put
from wherry.images.image import AmbiguousImage, Image, InvalidTag, NoSuchImage
from wherry.images.records import Addition, Name
from wherry.images.store import Images
from wherry.oci import descriptor, image_config, manifest
from wherry.oci import digest as digests
from wherry.oci import reference as references
from wherry.oci.descriptor import Descriptor
from wherry.oci.digest import Digest, encoded
from wherry.oci.image_config import Execution, ImageConfig
from wherry.oci.reference import InvalidReference
from wherry.snapshots.catalogue import SCHEMA
from wherry.snapshots.native import Native
from wherry.snapshots.unpack import Unpacker
from wherry.state.database import Database

_numbers = itertools.count()


class Shelf:
    """Images whose configs differ in a number only."""

    def __init__(self, root: Path) -> None:
        self.database = Database.open(root / "state.db", [SCHEMA, catalogue.TABLES])
        self.store = Store(root / "content")
        self.snapshots = Native(root / "snapshots", self.database)
        self.unpacker = Unpacker(self.snapshots, self.store)
        self.images = Images(self.store, self.snapshots, Leases(), self.database, self.unpacker)
        self.records = self.images._records

    def add(self, *names: str, created: str = "2024-01-01T00:00:00Z", digest: bool = False) -> Image:
        environment = [f"N={next(_numbers)}", *(f"FILLER_{n}={'x' * 60}" for n in range(20))]
        config = ImageConfig("amd64", "linux", created=created, config=Execution(env=environment))
        with self.records.operation() as operation:
            document = image_config.encode(config)
            image = put(self.records, document, operation)
            made = manifest.of_image(Descriptor(descriptor.OCI_CONFIG, image, len(document)), ())
            target = put(self.records, manifest.encode(made), operation)
            given = [Name(references.parse(name).with_default_tag(), target) for name in names]
            if digest:
                given += [Name(references.parse(name.partition(":")[0]).with_digest(target), target) for name in names]
            self.records.add([Addition(image, target, config, (), tuple(given))])
        return self.images.resolve(image)


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    shelf = Shelf(tmp_path)
    yield shelf
    shelf.unpacker.close()
    shelf.database.close()


def test_an_image_is_found_by_every_way_to_write_its_name(shelf: Shelf) -> None:
    image = shelf.add("busybox:1.36", digest=True)
    for text in (
        "busybox:1.36",
        "library/busybox:1.36",
        "docker.io/library/busybox:1.36",
        "index.docker.io/busybox:1.36",
        image.id,
        encoded(image.id),
        encoded(image.id)[:12],
        image.id[:20],
        f"busybox@{image.manifest_digest}",
        f"busybox:other@{image.manifest_digest}",
    ):
        assert shelf.images.resolve(text) == image
        assert shelf.images.identify(text) == image.id
    assert image.references == ("busybox:1.36",)
    assert image.repo_digests == (f"busybox@{image.manifest_digest}",)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("busybox", "busybox:latest"),
        ("docker.io/library/busybox:2", "busybox:2"),
        ("localhost:5000/x", "localhost:5000/x:latest"),
        ("abc", "abc:latest"),
        ("sha256:abc", "sha256:abc"),
        (f"sha256:{'0' * 64}", f"sha256:{'0' * 64}"),
        ("0" * 64, f"sha256:{'0' * 64}"),
        (f"busybox@sha256:{'0' * 64}", f"busybox@sha256:{'0' * 64}"),
    ],
)
def test_what_is_not_here_is_told_in_docker_s_words(shelf: Shelf, text: str, named: str) -> None:
    shelf.add("busybox:1.36")
    with pytest.raises(NoSuchImage) as caught:
        shelf.images.resolve(text)
    assert caught.value.message == f"No such image: {named}"


def test_a_bad_reference_is_not_looked_for(shelf: Shelf) -> None:
    with pytest.raises(InvalidReference):
        shelf.images.resolve("no such thing")


def test_a_name_wins_over_the_beginning_of_an_id(shelf: Shelf) -> None:
    other = shelf.add()
    prefix = encoded(other.id)[:4]
    named = shelf.add(prefix)
    assert shelf.images.resolve(prefix).id == named.id


def test_an_ambiguous_beginning_is_refused(shelf: Shelf) -> None:
    known: dict[str, Digest] = {}
    while True:
        image = shelf.add()
        prefix = encoded(image.id)[:1]
        if prefix in known:
            break
        known[prefix] = image.id
    with pytest.raises(AmbiguousImage):
        shelf.images.resolve(prefix)
    assert shelf.images.resolve(image.id).id == image.id


def test_images_are_listed_newest_first(shelf: Shelf) -> None:
    middle = shelf.add("b", created="2024-02-01T00:00:00.5Z")
    old = shelf.add("c", created="2024-01-01T00:00:00Z")
    never = shelf.add("d", created="")
    new = shelf.add("a", created="2024-02-01T02:00:01+01:00")
    assert [image.id for image in shelf.images.list()] == [new.id, middle.id, old.id, never.id]
    assert [image.id for image in shelf.images.list({"before": ["b"], "since": ["d"]})] == [old.id]


def test_a_tag_moves_to_the_image_that_got_it_last(shelf: Shelf) -> None:
    first, second = shelf.add("x:1"), shelf.add("y:1")
    assert shelf.images.tag("x:1", "new").references == ("new:latest", "x:1")
    assert shelf.images.tag(second.id, "docker.io/library/new:latest").references == ("new:latest", "y:1")
    assert shelf.images.resolve(first.id).references == ("x:1",)
    assert shelf.images.resolve("new").tagged > 0


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("sha256:abc", "refusing to create an ambiguous tag using digest algorithm as name"),
        (f"x@sha256:{'0' * 64}", "refusing to create a tag with a digest reference"),
    ],
)
def test_a_name_that_could_be_taken_for_a_digest_is_not_given(shelf: Shelf, target: str, message: str) -> None:
    shelf.add("x")
    with pytest.raises(InvalidTag, match=message):
        shelf.images.tag("x", target)


def test_an_image_that_is_not_here_gets_no_name(shelf: Shelf) -> None:
    with pytest.raises(NoSuchImage):
        shelf.images.tag("nosuch", "x")


def test_everything_is_still_there_after_a_restart(shelf: Shelf, tmp_path: Path) -> None:
    image = shelf.add("x:1", "y:2", digest=True)
    shelf.unpacker.close()
    shelf.database.close()
    again = Shelf(tmp_path)
    assert again.images.reconcile() == 0
    assert again.images.resolve("y:2") == image
    again.unpacker.close()
    again.database.close()


def test_blobs_without_a_record_are_collected_at_the_start(shelf: Shelf) -> None:
    image = shelf.add("x")
    with shelf.store.ingest("stray") as writer:
        writer.write(b"stray")
        writer.commit()
    with shelf.store.ingest("unfinished") as writer:
        writer.write(b"half")
    time.sleep(0.01)
    assert shelf.images.reconcile() == 5
    assert {digest for digest, _ in shelf.store.walk()} == {image.id, image.manifest_digest}
    assert list((shelf.store.root / "ingest").iterdir()) == []
    assert not shelf.store.has(digests.of(b"stray"))


def test_a_known_image_is_resolved_without_reading_files(shelf: Shelf) -> None:
    image = shelf.add("x:1")
    shelf.store.remove(image.id)
    shelf.store.remove(image.manifest_digest)
    assert shelf.images.resolve("x:1") == image
