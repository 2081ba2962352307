"""All images on a disk of their own, over both snapshotters."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.trees import mounted, tmpfs
from wherry.content.leases import Leases
from wherry.content.store import Store
from wherry.images import catalogue
from wherry.images.progress import Progress
from wherry.images.store import Images
from wherry.oci.digest import Digest
from wherry.oci.platform import Platform
from wherry.snapshots.catalogue import SCHEMA
from wherry.snapshots.native import Native
from wherry.snapshots.overlay import Overlay
from wherry.snapshots.snapshotter import Snapshotter
from wherry.snapshots.unpack import Unpacker
from wherry.state.database import Database

KINDS: dict[str, Callable[[Path, Database], Snapshotter]] = {"overlay": Overlay, "native": Native}


class Depot:
    """What a daemon has, without the daemon. `images` is what is tested, the rest is for looking behind it."""

    def __init__(self, disk: Path, kind: str) -> None:
        self.disk, self.kind = disk, kind
        self.database = Database.open(disk / "state.db", [SCHEMA, catalogue.TABLES])
        self.store = Store(disk / "content")
        self.leases = Leases()
        self.snapshots = KINDS[kind](disk / "snapshots", self.database)
        self.unpacker = Unpacker(self.snapshots, self.store)
        self.images = Images(self.store, self.snapshots, self.leases, self.database, self.unpacker)

    def close(self) -> None:
        self.unpacker.close()
        self.database.close()

    def load(self, archive: bytes, platform: Platform | None = None) -> str:
        """What loading says in its stream."""
        said: list[Progress] = []
        self.images.load(io.BytesIO(archive), said.append, platform=platform)
        return "".join(each.stream for each in said)

    def save(self, *names: str) -> bytes:
        out = io.BytesIO()
        self.images.save(names, out)
        return out.getvalue()

    def files(self, name: str) -> dict[str, bytes]:
        """The files of an image's root file system."""
        chain_id = self.images.rootfs(self.images.resolve(name))
        assert chain_id is not None
        with mounted(self.snapshots.view("look", chain_id), self.disk / "look") as tree:
            found = {str(path.relative_to(tree)): path.read_bytes() for path in tree.rglob("*") if path.is_file()}
        self.snapshots.remove("look")
        return found

    def blobs(self) -> set[str]:
        return {digest for digest, _ in self.store.walk()}

    def stacks(self) -> set[str]:
        return {info.name for info in self.snapshots.walk()}

    def needed(self) -> tuple[set[Digest], set[Digest]]:
        """What the records refer to: blobs and stacks of layers."""
        return self.database.read(catalogue.live_blobs), self.database.read(catalogue.live_chains)

    def check(self) -> None:
        """Nothing that is needed is missing, nothing is there that is not needed, nothing is half done."""
        assert (self.blobs(), self.stacks()) == self.needed()
        assert list((self.disk / "content" / "ingest").iterdir()) == []


@pytest.fixture(params=KINDS)
def depot(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Depot]:
    with tmpfs(tmp_path / "disk") as disk:
        depot = Depot(disk, request.param)
        yield depot
        depot.close()
