"""Heads are cut at exactly their end, and bodies are read in one way only or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.http.framing import Chunked, Decoder, Sized, body_length
from wherry.http.head import RequestHead
from wherry.http.message import Headers
from wherry.http.refusals import HeadersTooLarge, Malformed

HEAD = b"POST /v1.41/exec/1/start?a=b HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nX: y\r\n\r\n"


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places} | {len(data)})
    starts = [0, *ends[:-1]]
    return [data[start:end] for start, end in zip(starts, ends, strict=True) if end > start]


def feed_head(pieces: list[bytes], limit: int = 65536) -> tuple[RequestHead, bytes]:
    head = RequestHead(limit)
    for number, piece in enumerate(pieces):
        rest = head.feed(piece)
        if rest is not None:
            return head, rest + b"".join(pieces[number + 1 :])
    raise AssertionError("the head did not end")


@given(st.lists(st.integers(0, 1000), max_size=6), st.binary(max_size=30), st.sampled_from([b"", b"\r\n", b"\r\n\r\n"]))
def test_a_head_ends_at_the_same_byte_however_it_is_cut(places: list[int], behind: bytes, before: bytes) -> None:
    head, rest = feed_head(cut(before + HEAD + behind, places))
    assert rest == behind
    assert (head.method, head.target, head.version) == ("POST", b"/v1.41/exec/1/start?a=b", "1.1")
    assert head.fields == [("Host", "docker"), ("Connection", "Upgrade"), ("Upgrade", "tcp"), ("X", "y")]


def test_a_head_fed_byte_by_byte_leaves_nothing_over() -> None:
    head, rest = feed_head([bytes([byte]) for byte in HEAD])
    assert (head.fields[0], rest) == (("Host", "docker"), b"")


def test_a_head_may_be_as_large_as_the_limit_and_no_larger() -> None:
    assert feed_head([HEAD], len(HEAD))[1] == b""
    with pytest.raises(HeadersTooLarge):
        feed_head([HEAD], len(HEAD) - 1)
    with pytest.raises(HeadersTooLarge):
        RequestHead(1000).feed(b"GET / HTTP/1.1\r\nX: " + b"a" * 1000)


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\nHost: x\n\n",
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHo\0st: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: a\r\n\tb: c\x00\r\n\r\n",
        b"NONSENSE / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_is_not_http_is_noticed_at_once(head: bytes) -> None:
    with pytest.raises(Malformed):
        RequestHead(65536).feed(head)


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=4))
def test_garbage_is_refused_or_waited_for_but_never_crashes(garbage: bytes, places: list[int]) -> None:
    head = RequestHead(200)
    try:
        for piece in cut(garbage, places):
            if head.feed(piece) is not None:
                break
    except (Malformed, HeadersTooLarge):
        pass


def decode(decoder: Decoder, pieces: list[bytes]) -> tuple[bytes, bytes]:
    payload = b""
    for number, piece in enumerate(pieces):
        data, rest = decoder.feed(piece)
        payload += data
        if rest is not None:
            return payload, rest + b"".join(pieces[number + 1 :])
    raise AssertionError("the body did not end")


@given(
    st.lists(st.binary(min_size=1, max_size=40), max_size=6),
    st.lists(st.integers(0, 500), max_size=8),
    st.binary(max_size=9),
)
def test_chunks_give_the_same_body_however_they_are_cut(chunks: list[bytes], places: list[int], behind: bytes) -> None:
    data = b"".join(b"%X;ext=1\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\nTrailer: x\r\n\r\n"
    assert decode(Chunked(), cut(data + behind, places)) == (b"".join(chunks), behind)


@given(st.binary(min_size=1, max_size=60), st.lists(st.integers(0, 100), max_size=5), st.binary(max_size=9))
def test_a_sized_body_ends_at_its_length_however_it_is_cut(body: bytes, places: list[int], behind: bytes) -> None:
    assert decode(Sized(len(body)), cut(body + behind, places)) == (body, behind)


@pytest.mark.parametrize(
    "data",
    [
        b"5\nhello\r\n0\r\n\r\n",
        b"+5\r\nhello\r\n",
        b"0x5\r\nhello\r\n",
        b"5 5\r\nhello\r\n",
        b"\r\nhello",
        b"5\r\nhelloXYZ",
        b"5\r\nhello0\r\n\r\n",
        b"ffffffffffffffffff\r\n",
        b"5;" + b"e" * 500,
        b"5;a\rb\r\nhello\r\n",
        b"0\r\nX: y\n\r\n",
        b"0\r\n" + b"X: y\r\n" * 5000,
    ],
)
def test_chunks_that_could_be_read_in_two_ways_are_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        Chunked().feed(data)


@pytest.mark.parametrize(
    ("fields", "version", "length"),
    [
        ([], "1.1", 0),
        ([("Content-Length", "0")], "1.1", 0),
        ([("content-length", "12")], "1.0", 12),
        ([("Content-Length", "12"), ("Content-Length", "12")], "1.1", 12),
        ([("Transfer-Encoding", "Chunked")], "1.1", None),
    ],
)
def test_the_length_of_a_body_is_what_the_headers_say(
    fields: list[tuple[str, str]], version: str, length: int | None
) -> None:
    assert body_length(Headers(fields), version) == length


@pytest.mark.parametrize(
    "fields",
    [
        [("Content-Length", "1"), ("Content-Length", "2")],
        [("Content-Length", "1, 1")],
        [("Content-Length", "+1")],
        [("Content-Length", "-1")],
        [("Content-Length", "0x1")],
        [("Content-Length", "\u0661")],
        [("Content-Length", "")],
        [("Content-Length", "9" * 30)],
        [("Content-Length", "1"), ("Transfer-Encoding", "chunked")],
        [("Transfer-Encoding", "gzip, chunked")],
        [("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")],
        [("Transfer-Encoding", "identity")],
        [("Transfer-Encoding", "xchunked")],
    ],
)
def test_ambiguous_framing_is_refused(fields: list[tuple[str, str]]) -> None:
    with pytest.raises(Malformed):
        body_length(Headers(fields), "1.1")


def test_chunks_are_refused_from_http_1_0() -> None:
    with pytest.raises(Malformed):
        body_length(Headers([("Transfer-Encoding", "chunked")]), "1.0")
