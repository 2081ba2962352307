from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
from collections.abc import Callable

import pytest
import zstandard

from wherry import errors
from wherry.snapshots import compression

DATA = os.urandom(300_000) + b"harbour " * 300_000
WRITERS: dict[str, Callable[[bytes], bytes]] = {
    compression.NONE: lambda data: data,
    compression.GZIP: gzip.compress,
    compression.ZSTD: zstandard.ZstdCompressor().compress,
    compression.XZ: lzma.compress,
    compression.BZIP2: bz2.compress,
}
COMPRESSED = [kind for kind in WRITERS if kind != compression.NONE]


class Trickle:
    """A source that gives seven bytes at a time, as a slow connection might."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def read(self, size: int, /) -> bytes:
        return self._file.read(min(size, 7))


def read_all(stream: compression.Decompressed, size: int = 70_000) -> bytes:
    return b"".join(bytes(part) for part in iter(lambda: stream.read(size), b""))


@pytest.mark.parametrize("kind", WRITERS)
def test_every_kind_is_recognised_and_read(kind: str) -> None:
    stream = compression.Decompressed(io.BytesIO(WRITERS[kind](DATA)))
    assert stream.kind == kind
    assert read_all(stream) == DATA


@pytest.mark.parametrize("kind", WRITERS)
def test_the_pieces_of_the_source_do_not_matter(kind: str) -> None:
    data = b"x" * 5000 + os.urandom(100)
    assert read_all(compression.Decompressed(Trickle(WRITERS[kind](data)))) == data


@pytest.mark.parametrize("kind", COMPRESSED)
def test_streams_one_after_the_other_are_one(kind: str) -> None:
    both = WRITERS[kind](DATA) + WRITERS[kind](b"second")
    assert read_all(compression.Decompressed(io.BytesIO(both))) == DATA + b"second"
    assert (
        read_all(compression.Decompressed(Trickle(WRITERS[kind](b"first") + WRITERS[kind](b"second"))))
        == b"firstsecond"
    )


@pytest.mark.parametrize("kind", [compression.GZIP, compression.XZ])
def test_zeros_after_the_end_are_padding(kind: str) -> None:
    assert read_all(compression.Decompressed(io.BytesIO(WRITERS[kind](DATA) + bytes(1024)))) == DATA


@pytest.mark.parametrize("kind", [kind for kind in COMPRESSED if kind != compression.ZSTD])
def test_a_stream_cut_short_is_an_error(kind: str) -> None:
    whole = WRITERS[kind](DATA)
    for length in (10, len(whole) // 2, len(whole) - 1):
        with pytest.raises(compression.DamagedStream, match=kind) as caught:
            read_all(compression.Decompressed(io.BytesIO(whole[:length])))
        assert isinstance(caught.value, errors.InvalidArgument)


@pytest.mark.parametrize("kind", [kind for kind in COMPRESSED if kind != compression.ZSTD])
def test_damage_is_an_error(kind: str) -> None:
    whole = bytearray(WRITERS[kind](DATA))
    whole[len(whole) // 2] ^= 0xFF
    whole[-5] ^= 0xFF
    stream = compression.Decompressed(io.BytesIO(bytes(whole)))
    with pytest.raises(compression.DamagedStream):
        read_all(stream)


def test_a_window_that_would_take_all_memory_is_refused() -> None:
    window = zstandard.ZstdCompressionParameters(window_log=30, format=zstandard.FORMAT_ZSTD1)
    writer = zstandard.ZstdCompressor(compression_params=window).compressobj()
    stream = writer.compress(b"x" * 10_000) + writer.flush()
    with pytest.raises(compression.DamagedStream):
        read_all(compression.Decompressed(io.BytesIO(stream)))


def test_a_bomb_comes_in_bounded_pieces() -> None:
    stream = compression.Decompressed(io.BytesIO(gzip.compress(bytes(200 << 20), 1)))
    assert max(len(chunk) for chunk in stream.chunks()) <= 1 << 20


@pytest.mark.parametrize("data", [b"", b"x", b"\x1f"])
def test_a_tiny_stream_is_plain(data: bytes) -> None:
    assert read_all(compression.Decompressed(io.BytesIO(data))) == data


@pytest.mark.parametrize("kind", [compression.NONE, compression.GZIP, compression.ZSTD])
def test_what_is_written_is_counted_hashed_and_readable(kind: str) -> None:
    out = io.BytesIO()
    writer = compression.LayerWriter(out, kind)
    for start in range(0, len(DATA), 9999):
        writer.write(DATA[start : start + 9999])
    writer.close()
    blob = out.getvalue()
    assert compression.sniff(blob) == kind or kind == compression.NONE
    assert read_all(compression.Decompressed(io.BytesIO(blob))) == DATA
    assert writer.digest == "sha256:" + hashlib.sha256(blob).hexdigest()
    assert writer.diff_id == "sha256:" + hashlib.sha256(DATA).hexdigest()
    assert (writer.size, writer.uncompressed_size) == (len(blob), len(DATA))


def test_gzip_is_one_member_that_every_reader_understands() -> None:
    out = io.BytesIO()
    writer = compression.LayerWriter(out)
    writer.write(DATA)
    writer.close()
    assert gzip.decompress(out.getvalue()) == DATA


def test_an_unknown_compression_is_refused() -> None:
    with pytest.raises(errors.InvalidArgument, match="lz4"):
        compression.LayerWriter(io.BytesIO(), "lz4")


class Full:
    def write(self, data: bytes, /) -> None:
        raise OSError(28, "No space left on device")


def test_an_error_of_the_sink_is_not_lost() -> None:
    writer = compression.LayerWriter(Full())
    with pytest.raises(OSError, match="No space left"):
        for _ in range(100):
            writer.write(os.urandom(1 << 20))
    writer = compression.LayerWriter(Full(), compression.NONE)
    writer.write(b"x")
    with pytest.raises(OSError, match="No space left"):
        writer.close()
