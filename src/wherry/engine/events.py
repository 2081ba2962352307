"""What happened: the stream behind `docker events`.

Knows events and who listens. Must not know how they are written. The last RETAINED events are kept in memory for those
who ask for the past. A listener that does not keep up loses nothing silently: its stream ends with SlowListener.
"""

from __future__ import annotations

import asyncio
import collections
import time
import weakref
from collections.abc import AsyncIterator, Callable

import msgspec

from wherry import errors

RETAINED = 1024
_QUEUE = 4096


class SlowListener(errors.ResourceExhausted):
    def __init__(self) -> None:
        super().__init__(
            f"more than {_QUEUE} events are waiting to be read",
            hint="read faster, or ask again with `since` the last event you got",
        )


class Event(msgspec.Struct, frozen=True):
    """`type` is container, image, network, volume or daemon; `time` in nanoseconds since 1970."""

    type: str
    action: str
    actor: str
    attributes: dict[str, str]
    time: int


Match = Callable[[Event], bool]


class _Listener:
    """A bounded queue that remembers whether it has overflowed."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Event] = asyncio.Queue(_QUEUE)
        self.overflowed = False

    def offer(self, event: Event) -> None:
        if self.overflowed or self.queue.full():
            self.overflowed = True
        else:
            self.queue.put_nowait(event)


class Events:
    def __init__(self, clock: Callable[[], int] = time.time_ns) -> None:
        self._clock = clock
        self._past: collections.deque[Event] = collections.deque(maxlen=RETAINED)
        self._listeners: weakref.WeakSet[_Listener] = weakref.WeakSet()

    def publish(self, type_: str, action: str, actor: str, attributes: dict[str, str]) -> None:
        event = Event(type_, action, actor, attributes, self._clock())
        self._past.append(event)
        for listener in self._listeners:
            listener.offer(event)

    def subscribe(
        self, since: int | None = None, until: int | None = None, match: Match = lambda _event: True
    ) -> AsyncIterator[Event]:
        """Events from `since` on (only new ones if None) up to `until` (for ever if None), both in nanoseconds.

        Nothing that happens after this call is missed, however late the first event is fetched.
        """
        listener = _Listener()
        past = [event for event in self._past if since is not None and event.time >= since]
        self._listeners.add(listener)
        return self._stream(listener, past, until, match)

    async def _stream(
        self, listener: _Listener, past: list[Event], until: int | None, match: Match
    ) -> AsyncIterator[Event]:
        for event in past:
            if match(event) and (until is None or event.time <= until):
                yield event
        while (left := self._left(until)) is None or left > 0:
            if listener.overflowed and listener.queue.empty():
                raise SlowListener
            try:
                async with asyncio.timeout(left):
                    event = await listener.queue.get()
            except TimeoutError:
                return
            if match(event):
                yield event

    def _left(self, until: int | None) -> float | None:
        return None if until is None else (until - self._clock()) / 1e9
