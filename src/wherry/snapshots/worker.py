"""The process that extracts one layer: reads a blob, decompresses, hashes, and makes files.

Knows how to lock itself into the directory it writes, and how to keep two cores busy. Must not know layers or
snapshots: it gets a blob as standard input, the directory as its current one, and prints what came of it.

    python -I -S worker.py FORM MOST_BYTES MOST_ENTRIES SYS.PATH…
        -> {"diff_id": "sha256:…", "bytes": …, "entries": …, "implicit": [...]}
        or {"error": "HostileArchive", "arguments": ["../x", "leads out of its directory"]}

The order of `main` matters: import everything, since later there is no library to load; then enter a mount namespace
in which the directory is all there is (pivot_root(2)); then give up all privileges that are not for making files; then
look at what the bytes say.
"""

from __future__ import annotations

import json
import os
import sys

if __name__ == "__main__":
    sys.path[:] = sys.argv[4:]

import hashlib
import queue
import resource
import signal
import threading
from collections.abc import Iterator
from io import FileIO

from wherry import errors
from wherry.linux import capabilities, syscalls
from wherry.snapshots import compression, extraction
from wherry.snapshots.tar.reader import Reader

_CAPABILITIES = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_MKNOD",
    "CAP_SETFCAP",
    "CAP_SYS_ADMIN",  # trusted.* attributes
)
_MEMORY = 1 << 30
_CPU_SECONDS = 3600
_QUEUED = 4


class Pipeline:
    """The uncompressed archive as a file, decompressed and hashed by two threads beside the one that reads it.

    All that takes time there (inflate, SHA-256, write) lets go of the interpreter's lock.
    """

    def __init__(self, chunks: Iterator[bytes], most_bytes: int) -> None:
        self._chunks = chunks
        self._most = most_bytes
        self._hash = hashlib.sha256()
        self._to_hash: queue.Queue[bytes | None] = queue.Queue(_QUEUED)
        self._to_read: queue.Queue[bytes | BaseException | None] = queue.Queue(_QUEUED)
        self._current: memoryview = memoryview(b"")
        self._ended = False
        self._hasher = threading.Thread(target=self._run_hasher, daemon=True)
        self._hasher.start()
        threading.Thread(target=self._run_decompressor, daemon=True).start()

    def read(self, size: int, /) -> memoryview:
        """Up to `size` bytes, what can be had without copying; none at the end."""
        while not self._current and not self._ended:
            chunk = self._to_read.get()
            if isinstance(chunk, BaseException):
                raise chunk
            self._ended = chunk is None
            self._current = memoryview(chunk or b"")
        part, self._current = self._current[:size], self._current[size:]
        return part

    def finish(self) -> str:
        """The digest of everything, what follows the archive included."""
        while self.read(1 << 20):
            pass
        self._hasher.join()
        return "sha256:" + self._hash.hexdigest()

    def _run_decompressor(self) -> None:
        total = 0
        try:
            for chunk in self._chunks:
                total += len(chunk)
                if total > self._most:
                    raise extraction.ArchiveTooLarge(self._most, "bytes")
                self._to_hash.put(chunk)
                self._to_read.put(chunk)
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that reads
            self._to_read.put(error)
        else:
            self._to_hash.put(None)
            self._to_read.put(None)

    def _run_hasher(self) -> None:
        while (chunk := self._to_hash.get()) is not None:
            self._hash.update(chunk)


def enter(directory: str) -> None:
    """Make a directory all that this process can see. It has no descriptors but standard input, output and error."""
    syscalls.unshare(syscalls.CLONE_NEWNS | syscalls.CLONE_NEWIPC)
    syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE, None)
    syscalls.mount(directory, directory, None, syscalls.MS_BIND, None)
    os.chdir(directory)
    syscalls.pivot_root(".", ".")
    syscalls.umount2(".", syscalls.MNT_DETACH)
    os.chdir("/")


def give_up_privileges(last_capability: int, most_bytes: int) -> None:
    """Keep what making files takes, within limits."""
    kept = {capabilities.number(name) for name in _CAPABILITIES}
    for number in range(last_capability + 1):
        if number not in kept:
            syscalls.prctl(syscalls.PR_CAPBSET_DROP, number)
    mask = capabilities.to_mask(_CAPABILITIES)
    syscalls.capset(mask, mask, 0)
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    os.umask(0)


def extract(blob: compression.Source, form: str, most_bytes: int, most_entries: int) -> dict[str, object]:
    stream = compression.Decompressed(blob)
    pipeline = Pipeline(stream.chunks(), most_bytes)
    target = extraction.Extraction(form, most_entries)
    target.run(Reader(pipeline))
    return {
        "diff_id": pipeline.finish(),
        "bytes": target.bytes,
        "entries": target.entries,
        "implicit": target.implicit,
    }


def main(form: str, most_bytes: int, most_entries: int) -> dict[str, object]:
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
    compression.load(compression.sniff(os.pread(0, compression.MAGIC_LENGTH, 0)))
    last_capability = capabilities.last()
    enter(os.getcwd())
    give_up_privileges(last_capability, most_bytes)
    try:
        return extract(FileIO(0), form, most_bytes, most_entries)
    except errors.WherryError as error:
        arguments = [value for name, value in vars(error).items() if name not in ("message", "hint")]
        return {"error": type(error).__name__, "arguments": arguments}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))), flush=True)
    os._exit(0)
