"""Targets, queries, headers and bodies as values."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.http_serving import run
from wherry.http import target
from wherry.http.body import HIGH_WATER, Body
from wherry.http.message import Headers, Query
from wherry.http.refusals import BodyTooLarge, ClientGone, Malformed


@pytest.mark.parametrize(
    ("raw", "path", "query"),
    [
        (b"/a/b", "/a/b", b""),
        (b"/a%2Fb%20c?d=%20", "/a/b c", b"d=%20"),
        (b"/caf%C3%A9", "/café", b""),
        (b"/%zz%4", "/%zz%4", b""),
        (b"/% 4%+4", "/% 4%+4", b""),
        (b"/%ff", "/�", b""),
        (b"/a?b?c#d", "/a", b"b?c"),
        (b"http://docker/a?b", "/a", b"b"),
        (b"http://docker", "/", b""),
        (b"http://docker?b", "/", b"b"),
        (b"*", "*", b""),
        (b"/http://x/y", "/http://x/y", b""),
        (b"/a+b", "/a+b", b""),
    ],
)
def test_a_target_is_split_into_decoded_path_and_raw_query(raw: bytes, path: str, query: bytes) -> None:
    assert target.split(raw) == (path, query)


def test_a_nul_in_the_path_is_refused_in_any_spelling() -> None:
    for raw in (b"/a%00b", b"/a\0b"):
        with pytest.raises(Malformed):
            target.split(raw)


@given(st.binary())
def test_unquoting_never_fails(text: bytes) -> None:
    assert "\ud800" not in target.unquote(text)


def test_query_fields_repeat_and_may_be_empty() -> None:
    query = Query(b"a=1&b&a=2+3&&c=%26%3D&d=x=y")
    assert query.all("a") == ["1", "2 3"]
    assert (query.get("a"), query.get("b"), query.get("c"), query.get("d")) == ("1", "", "&=", "x=y")
    assert query.get("e", "none") == "none"
    assert "b" in query
    assert "e" not in query
    assert list(Query()) == []


def test_headers_ignore_case_and_keep_order_and_spelling() -> None:
    headers = Headers([("X-One", "1"), ("x-one", "2"), ("Connection", "Upgrade, keep-alive")])
    assert headers.get("X-ONE") == "1"
    assert headers.all("x-One") == ["1", "2"]
    assert headers.tokens("connection") == {"upgrade", "keep-alive"}
    assert next(iter(headers)) == ("X-One", "1")
    headers.set("X-one", "3")
    headers.extend([("Y", "4")])
    assert list(headers) == [("Connection", "Upgrade, keep-alive"), ("X-one", "3"), ("Y", "4")]
    assert "y" in headers
    assert headers.get("z", "none") == "none"


def test_a_body_is_read_whole_up_to_its_limit() -> None:
    async def body() -> None:
        assert await Body.of(b"12345").read(5) == b"12345"
        assert await Body.of(b"").read(0) == b""
        with pytest.raises(BodyTooLarge):
            await Body.of(b"12345").read(4)
        chunked = Body(None)
        chunked.feed(b"12345")
        with pytest.raises(BodyTooLarge):  # without waiting for the end
            await chunked.read(4)

    run(body())


def test_an_announced_body_that_is_too_large_is_refused_before_any_of_it_is_asked_for() -> None:
    async def body() -> None:
        asked: list[None] = []
        with pytest.raises(BodyTooLarge):
            await Body(100, lambda: asked.append(None)).read(99)
        assert asked == []

    run(body())


def test_a_body_that_breaks_off_raises_after_what_had_come() -> None:
    async def body() -> None:
        broken = Body(10)
        broken.feed(b"123")
        broken.fail(ClientGone())
        assert await anext(broken) == b"123"
        with pytest.raises(ClientGone):
            await anext(broken)

    run(body())


def test_a_body_asks_for_more_only_when_its_reader_has_caught_up() -> None:
    async def body() -> None:
        asked = 0

        def wanted() -> None:
            nonlocal asked
            asked += 1

        slow = Body(None, wanted)
        for _ in range(4):
            slow.feed(bytes(HIGH_WATER // 2))
        await anext(slow)
        await anext(slow)
        assert asked == 0
        await anext(slow)
        assert asked == 1
        waiting = asyncio.ensure_future(slow.read(HIGH_WATER))
        await asyncio.sleep(0)
        slow.feed(b"end")
        slow.finish()
        assert (await waiting).endswith(b"end")

    run(body())
