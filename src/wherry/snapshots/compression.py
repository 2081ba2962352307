"""Compressed streams: telling them apart, reading and writing them.

Knows gzip, zstd, xz and bzip2. Must not know what is inside. Everything is done by libraries in this process: a
program found by its name could be the container's. Reading is bounded in memory whatever the stream says, and a
library is imported only when it is needed, since the process that extracts a layer wants to start fast.

The speeds of isal are why gzip is the default for writing as well: level 2 is 20 times as fast as zlib's 6, for 9 %
more bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

from wherry import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from concurrent.futures import Future
    from typing import Protocol

    class Source(Protocol):
        def read(self, size: int, /) -> bytes: ...

    class Sink(Protocol):
        def write(self, data: bytes, /) -> object: ...

    class Decompressor(Protocol):
        @property
        def eof(self) -> bool: ...

        @property
        def needs_input(self) -> bool: ...

        @property
        def unused_data(self) -> bytes: ...

        def decompress(self, data: bytes, max_length: int) -> bytes: ...

    class Compressor(Protocol):
        def compress(self, data: bytes | memoryview, /) -> bytes: ...

        def flush(self) -> bytes: ...


NONE, GZIP, ZSTD, XZ, BZIP2 = "none", "gzip", "zstd", "xz", "bzip2"

MAGIC_LENGTH = 6
_MAGICS = ((GZIP, b"\x1f\x8b\x08"), (ZSTD, b"\x28\xb5\x2f\xfd"), (XZ, b"\xfd7zXZ\0"), (BZIP2, b"BZh"))
_PIECE = 1 << 20
_COMPRESSED_PIECE = 256 << 10
_MOST_WAITING = 4
_LARGEST_ZSTD_WINDOW = 128 << 20
_LARGEST_XZ_MEMORY = 256 << 20
_GZIP_LEVEL = 2
_ZSTD_LEVEL = 3
_GZIP_WITH_HEADER = 31


class DamagedStream(errors.InvalidArgument):
    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(f"damaged {kind} stream: {reason}", hint="fetch or create it again")
        self.kind, self.reason = kind, reason


def sniff(start: bytes) -> str:
    """The compression of a stream by its first bytes (MAGIC_LENGTH of them); NONE if it looks like none of them."""
    for kind, magic in _MAGICS:
        if start.startswith(magic):
            return kind
    return NONE


def load(kind: str) -> None:
    """Import the library for a compression now; otherwise that happens when the first stream is read."""
    if kind == ZSTD:
        import zstandard  # noqa: F401
    elif kind != NONE:
        _opener(kind)


class Decompressed:
    """A compressed stream as a file to read from, in one pass. `kind` says how it was compressed."""

    def __init__(self, source: Source) -> None:
        start = _read_start(source)
        self.kind = sniff(start)
        self._chunks = _decompress(self.kind, start, source)
        self._left = memoryview(b"")

    def read(self, size: int, /) -> memoryview:
        """Up to `size` bytes, what can be had without copying; none at the end. Raises DamagedStream."""
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return self._left
            self._left = memoryview(chunk)
        part, self._left = self._left[:size], self._left[size:]
        return part

    def chunks(self) -> Iterator[bytes]:
        """All that has not been read, in pieces of at most 1 MiB; instead of `read`."""
        return self._chunks


def _read_start(source: Source) -> bytes:
    start = b""
    while len(start) < MAGIC_LENGTH and (more := source.read(_COMPRESSED_PIECE)):
        start += more
    return start


def _decompress(kind: str, start: bytes, source: Source) -> Iterator[bytes]:
    if kind == NONE:
        return _plain(start, source)
    if kind == ZSTD:
        return _zstd(start, source)
    return _streams(kind, _opener(kind), start, source)


def _opener(kind: str) -> Callable[[], Decompressor]:
    if kind == GZIP:
        from isal import igzip_lib

        return lambda: igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
    if kind == XZ:
        import lzma

        return lambda: lzma.LZMADecompressor(memlimit=_LARGEST_XZ_MEMORY)
    import bz2

    return bz2.BZ2Decompressor


def _plain(start: bytes, source: Source) -> Iterator[bytes]:
    yield start
    while chunk := source.read(_PIECE):
        yield chunk


def _streams(kind: str, open_: Callable[[], Decompressor], data: bytes, source: Source) -> Iterator[bytes]:
    """One stream after the other; what follows the last and is no further stream is padding, as gzip(1) has it."""
    decompressor = open_()
    while True:
        try:
            chunk = decompressor.decompress(data, _PIECE)
        except Exception as error:  # each library has errors of its own
            raise DamagedStream(kind, str(error)) from error
        if chunk:
            yield chunk
        if decompressor.eof:
            data = decompressor.unused_data or source.read(_COMPRESSED_PIECE)
            while data and len(data) < MAGIC_LENGTH and (more := source.read(_COMPRESSED_PIECE)):
                data += more
            if sniff(data) != kind:
                return
            decompressor = open_()
        elif decompressor.needs_input:
            data = source.read(_COMPRESSED_PIECE)
            if not data:
                raise DamagedStream(kind, "it ends too early")
        else:
            data = b""


def _zstd(start: bytes, source: Source) -> Iterator[bytes]:
    """The library does not tell a stream that was cut off from one that ended: the digest or the tar inside has to."""
    import zstandard

    decompressor = zstandard.ZstdDecompressor(max_window_size=_LARGEST_ZSTD_WINDOW)
    reader = decompressor.stream_reader(_Whole(start, source), read_across_frames=True)  # type: ignore[arg-type]
    while True:
        try:
            chunk = reader.read(_PIECE)
        except zstandard.ZstdError as error:
            raise DamagedStream(ZSTD, str(error)) from error
        if not chunk:
            return
        yield chunk


class _Whole:
    """A source with its start put back."""

    def __init__(self, start: bytes, source: Source) -> None:
        self._start = start
        self._source = source

    def read(self, size: int) -> bytes:
        data, self._start = self._start or self._source.read(_COMPRESSED_PIECE), b""
        return data


class LayerWriter:
    """Compresses what is written to it, and counts and hashes both sides: `diff_id` of the tar, `digest` of the blob.

    Call `close` for the end of the stream; the digests are valid after that. Compression runs beside the thread that
    writes, so an error of the sink is raised by a later `write` or by `close`.
    """

    def __init__(self, sink: Sink, kind: str = GZIP) -> None:
        from concurrent.futures import ThreadPoolExecutor

        self.size = 0
        self.uncompressed_size = 0
        self._sink = sink
        self._compressor = _compressor(kind)
        self._inner = hashlib.sha256()
        self._outer = hashlib.sha256()
        self._pending: list[bytes] = []
        self._pending_size = 0
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="compress")
        self._running: list[Future[None]] = []

    def write(self, data: bytes) -> None:
        """Small pieces are gathered, for the sake of the headers in a tar."""
        self._pending.append(data)
        self._pending_size += len(data)
        if self._pending_size >= _COMPRESSED_PIECE:
            self._hand_over()

    def close(self) -> None:
        self._hand_over()
        while self._running:
            self._running.pop(0).result()
        self._worker.shutdown()
        self._put(self._compressor.flush() if self._compressor else b"")

    @property
    def diff_id(self) -> str:
        return "sha256:" + self._inner.hexdigest()

    @property
    def digest(self) -> str:
        return "sha256:" + self._outer.hexdigest()

    def _hand_over(self) -> None:
        data = b"".join(self._pending)
        self._pending, self._pending_size = [], 0
        self.uncompressed_size += len(data)
        self._running.append(self._worker.submit(self._compress, data))
        if len(self._running) > _MOST_WAITING:
            self._running.pop(0).result()
        self._inner.update(data)

    def _compress(self, data: bytes) -> None:
        self._put(self._compressor.compress(data) if self._compressor else data)

    def _put(self, data: bytes) -> None:
        if data:
            self._outer.update(data)
            self.size += len(data)
            self._sink.write(data)


def _compressor(kind: str) -> Compressor | None:
    if kind == NONE:
        return None
    if kind == GZIP:
        from isal import isal_zlib

        return isal_zlib.compressobj(_GZIP_LEVEL, isal_zlib.DEFLATED, _GZIP_WITH_HEADER)
    if kind == ZSTD:
        import zstandard

        return zstandard.ZstdCompressor(level=_ZSTD_LEVEL, threads=-1).compressobj()
    raise errors.InvalidArgument(f"layers cannot be compressed with {kind}: choose {NONE}, {GZIP} or {ZSTD}")
