"""Layers in: blobs become committed snapshots.

Knows chain IDs, the worker processes and their order. Must not know images or registries: a layer is a blob and the
digest its content must have. See "Layer ChainID" in config.md of the OCI image specification.

    unpacker = Unpacker(snapshotter, store)
    name = unpacker.unpack([Layer(blob, diff_id), …])      the chain ID of the last one: parent for a container

Each layer is extracted by a process of its own (`worker`), as many at a time as there are cores. Where trees are
stacked they need not wait for their parents; they get them when they are committed. A layer that is there already
costs a look into the table, and one that another image is just unpacking is waited for, not unpacked twice.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import msgspec

from wherry import errors, faults
from wherry.content.store import Store
from wherry.oci import digest as digests
from wherry.oci.digest import Digest
from wherry.snapshots import compression, extraction, worker
from wherry.snapshots.inheritance import inherit
from wherry.snapshots.snapshotter import SnapshotNotFound, Snapshotter
from wherry.snapshots.tar import DamagedArchive, HostileArchive

_KEY = "unpack-"
_REFUSALS = {
    kind.__name__: kind
    for kind in (
        HostileArchive,
        DamagedArchive,
        compression.DamagedStream,
        extraction.ArchiveTooLarge,
        extraction.ExtractionFailed,
    )
}


class Layer(msgspec.Struct, frozen=True):
    """A layer as the content store has it, `blob`, and the digest of its uncompressed archive."""

    blob: Digest
    diff_id: Digest


class Limits(msgspec.Struct, frozen=True):
    """What one layer may have, against archives made to fill disks: bytes of its uncompressed archive, and entries."""

    bytes: int = 256 << 30
    entries: int = 4_000_000


_NO_BOMBS = Limits()


class Extracted(msgspec.Struct, frozen=True):
    """What the worker made: `bytes` in `entries`; it found no entries for the directories `implicit`."""

    diff_id: Digest
    bytes: int
    entries: int
    implicit: list[str]


class DiffIDMismatch(errors.DataLoss):
    def __init__(self, blob: Digest, expected: Digest, actual: Digest) -> None:
        super().__init__(f"layer {blob}: expected the content {expected}, got {actual}", hint="fetch the image again")
        self.blob, self.expected, self.actual = blob, expected, actual


class WorkerFailed(errors.Internal):
    def __init__(self, status: int, output: str) -> None:
        super().__init__(f"the process that extracts layers failed ({status}): {output}")
        self.status, self.output = status, output


class Unpacking:
    """A layer on its way; `result` waits for its chain ID, or raises what went wrong."""

    def __init__(self, chain_id: Digest, future: Future[None]) -> None:
        self.chain_id = chain_id
        self._future = future

    def result(self) -> Digest:
        self._future.result()
        return self.chain_id


def chain_ids(diff_ids: Sequence[Digest]) -> list[Digest]:
    """The names of the snapshots that layers make, one upon the other."""
    found: list[Digest] = []
    for diff_id in diff_ids:
        found.append(digests.of(f"{found[-1]} {diff_id}".encode()) if found else diff_id)
    return found


class Unpacker:
    """Make one for each snapshotter, before anything is unpacked: it removes what a crash has left half unpacked."""

    def __init__(
        self, snapshotter: Snapshotter, store: Store, *, limits: Limits = _NO_BOMBS, parallel: int = os.cpu_count() or 1
    ) -> None:
        self._snapshotter = snapshotter
        self._store = store
        self._limits = limits
        self._pool = ThreadPoolExecutor(parallel, thread_name_prefix="unpack")
        self._lock = threading.RLock()
        self._running: dict[Digest, Unpacking] = {}
        for info in list(snapshotter.walk()):
            if info.name.startswith(_KEY):
                snapshotter.remove(info.name)

    def unpack(self, layers: Sequence[Layer]) -> Digest | None:
        """Unpack the layers of an image, lowest first; the chain ID of the last, None if there are none.

        Raises DiffIDMismatch, HostileArchive, DamagedArchive, DamagedStream, ArchiveTooLarge, ExtractionFailed,
        BlobNotFound. Layers below the one that failed stay, for the next attempt.
        """
        unpackings: list[Unpacking] = []
        for layer in layers:
            unpackings.append(self.submit(layer, unpackings[-1] if unpackings else None))
        found = None
        for unpacking in unpackings:
            found = unpacking.result()
        return found

    def submit(self, layer: Layer, parent: Unpacking | None) -> Unpacking:
        """Begin with one layer. Does not wait."""
        chain_id = digests.of(f"{parent.chain_id} {layer.diff_id}".encode()) if parent else layer.diff_id
        with self._lock:
            running = self._running.get(chain_id)
            if running is None:
                running = Unpacking(chain_id, self._pool.submit(self._unpack, layer, parent, chain_id))
                self._running[chain_id] = running
                running._future.add_done_callback(lambda _: self._forget(chain_id))
        return running

    def close(self) -> None:
        """Wait for what is being unpacked; nothing can be submitted any more."""
        self._pool.shutdown()

    def _forget(self, chain_id: Digest) -> None:
        with self._lock:
            self._running.pop(chain_id, None)

    def _unpack(self, layer: Layer, parent: Unpacking | None, chain_id: Digest) -> None:
        """On a thread of the pool. Waits only for layers submitted before, which have a thread or are done."""
        if self._exists(chain_id):
            return
        stacks = self._snapshotter.stacks
        base = parent.result() if parent and not stacks else None
        form = extraction.DROP if parent is None else extraction.STACK if stacks else extraction.APPLY
        key = _KEY + chain_id
        self._snapshotter.prepare(key, base)
        try:
            tree = self._snapshotter.trees(key)[0]
            extracted = extract(self._store, layer.blob, tree, form, self._limits)
            if extracted.diff_id != layer.diff_id:
                raise DiffIDMismatch(layer.blob, layer.diff_id, extracted.diff_id)
            faults.hit("unpack:before-commit")
            if parent:
                parent.result()
                if stacks:
                    inherit(tree, extracted.implicit, self._snapshotter.trees(parent.chain_id))
            self._snapshotter.commit(chain_id, key, parent.chain_id if parent else None)
        except BaseException:
            with suppress(SnapshotNotFound):
                self._snapshotter.remove(key)
            raise

    def _exists(self, chain_id: Digest) -> bool:
        try:
            self._snapshotter.stat(chain_id)
        except SnapshotNotFound:
            return False
        return True


def extract(store: Store, blob: Digest, tree: Path, form: str, limits: Limits) -> Extracted:
    """Have a worker extract a blob into a directory. It must not look for modules there, hence no relative paths."""
    modules = [path for path in sys.path if os.path.isabs(path)]
    arguments = (worker.__file__, form, str(limits.bytes), str(limits.entries), *modules)
    with store.open(blob) as file:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-X", "utf8", *arguments],
            stdin=file,
            capture_output=True,
            cwd=tree,
            env={},
            check=False,
        )
    if done.returncode:
        raise WorkerFailed(done.returncode, done.stderr.decode(errors="replace").strip())
    answer = json.loads(done.stdout)
    if "error" in answer:
        raise _REFUSALS[answer["error"]](*answer["arguments"])
    return msgspec.convert(answer, Extracted)
