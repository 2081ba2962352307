"""Events: the past, the future, and neither lost between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from wherry.engine.events import RETAINED, Event, Events, SlowListener


class Clock:
    now = 1000

    def __call__(self) -> int:
        self.now += 1
        return self.now


def publish(events: Events, *actions: str) -> None:
    for action in actions:
        events.publish("container", action, "id", {})


async def take(stream: AsyncIterator[Event], count: int) -> list[str]:
    return [(await anext(stream)).action for _ in range(count)]


def test_a_listener_misses_nothing_after_it_subscribed() -> None:
    async def scenario() -> None:
        events = Events(Clock())
        publish(events, "before")
        stream = events.subscribe()
        publish(events, "one", "two")
        assert await take(stream, 2) == ["one", "two"]

    asyncio.run(scenario())


def test_the_past_comes_first_and_once() -> None:
    async def scenario() -> None:
        events = Events(Clock())
        publish(events, "old", "new")
        stream = events.subscribe(since=1002)
        publish(events, "newest")
        assert await take(stream, 2) == ["new", "newest"]

    asyncio.run(scenario())


def test_until_in_the_past_ends_the_stream() -> None:
    async def scenario() -> None:
        events = Events(Clock())
        publish(events, "a", "b")
        assert [event.action async for event in events.subscribe(since=0, until=1001)] == ["a"]

    asyncio.run(scenario())


def test_filters_apply_to_past_and_future() -> None:
    async def scenario() -> None:
        events = Events(Clock())
        publish(events, "a", "b")
        stream = events.subscribe(since=0, match=lambda event: event.action == "b")
        publish(events, "a", "b")
        assert await take(stream, 2) == ["b", "b"]

    asyncio.run(scenario())


def test_the_past_is_bounded() -> None:
    async def scenario() -> None:
        events = Events(Clock())
        publish(events, *[str(n) for n in range(RETAINED + 10)])
        stream = events.subscribe(since=0)
        assert await take(stream, 1) == ["10"]

    asyncio.run(scenario())


def test_a_listener_that_does_not_keep_up_is_told() -> None:
    async def scenario() -> None:
        events = Events(Clock())
        stream = events.subscribe()
        publish(events, *["x"] * 5000)
        with pytest.raises(SlowListener):
            while True:
                await take(stream, 1)

    asyncio.run(scenario())
