from __future__ import annotations

import os
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.cli import terminal
from wherry.cli.demultiplex import Frames
from wherry.cli.failure import Failure


def read_all(descriptor: int) -> bytes:
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


@given(
    st.lists(st.tuples(st.sampled_from([0, 1, 2]), st.binary(max_size=40)), max_size=12),
    st.lists(st.integers(min_value=1, max_value=20), max_size=30),
)
def test_frames_come_apart_however_the_bytes_arrive(frames: list[tuple[int, bytes]], cuts: list[int]) -> None:
    data = b"".join(struct.pack(">BxxxI", stream, len(payload)) + payload for stream, payload in frames)
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    demultiplexer = Frames(out_write, err_write)
    for cut in cuts:
        piece, data = data[:cut], data[cut:]
        demultiplexer.feed(piece)
    demultiplexer.feed(data)
    os.close(out_write)
    os.close(err_write)
    assert read_all(out_read) == b"".join(payload for stream, payload in frames if stream < 2)
    assert read_all(err_read) == b"".join(payload for stream, payload in frames if stream == 2)


def test_an_error_frame_ends_the_stream_with_its_message() -> None:
    reader, writer = os.pipe()
    with pytest.raises(Failure, match="Error response from daemon: disk gone"):
        Frames(writer, writer).feed(struct.pack(">BxxxI", 3, 9) + b"disk gone")
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize(
    ("notation", "sequence"),
    [("ctrl-p,ctrl-q", b"\x10\x11"), ("a,b", b"ab"), ("ctrl-a", b"\x01"), ("ctrl-[", b"\x1b"), ("ctrl-@,x", b"\x00x")],
)
def test_detach_keys_are_read(notation: str, sequence: bytes) -> None:
    assert terminal.keys(notation) == sequence


@pytest.mark.parametrize("notation", ["foo", "ctrl-", "ctrl-1", "alt-a", ""])
def test_unknown_detach_keys_are_refused(notation: str) -> None:
    with pytest.raises(Failure):
        terminal.keys(notation)


@given(st.binary(max_size=30), st.lists(st.integers(min_value=1, max_value=5), max_size=10))
def test_what_is_typed_goes_on_unless_it_is_the_sequence(typed: bytes, cuts: list[int]) -> None:
    keys = terminal.DetachKeys(b"\x10\x11")
    rest, passed = typed, b""
    for cut in [*cuts, len(typed)]:
        piece, rest = rest[:cut], rest[cut:]
        passed += keys.filter(piece)
        if keys.seen:
            break
    before, found, _ = typed.partition(b"\x10\x11")
    if found and keys.seen:
        assert passed == before
    elif not found:
        assert passed == typed[:-1] if typed.endswith(b"\x10") else passed == typed
