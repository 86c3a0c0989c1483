"""What sentinels, clients and groups tell of: one typed event, and the stream it comes from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone

from . import _sentinelle
from ._waiting import readable

__all__ = ["Event", "Events"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        name: what, as Sentinel's channel is called (`"+switch-master"`) or a client's event (`"switched"`).
        master: the name of the master it concerns; `None` when it concerns none.
        at_ms: when, in milliseconds since 1970.
        epoch: the epoch it tells of; `None` when it tells of none.
        fields: its facts by name, in order.
        text: the same for people; for a sentinel's event, what is published.
        lost: how many events before this one were dropped because nobody fetched them.
    """

    name: str
    master: str | None
    at_ms: int
    epoch: int | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    lost: int = 0

    @property
    def at(self) -> datetime:
        """When it happened, in UTC."""
        return datetime.fromtimestamp(self.at_ms / 1000, timezone.utc)


class Events(Iterator[Event], AsyncIterator[Event]):
    """A stream of events.

    `for` waits for each event, `async for` too; both end when the source of the events does, or `close` is called. At
    most 1024 events wait to be fetched: then the oldest are dropped, and `Event.lost` of the next one counts them.
    """

    def __init__(self, source: _sentinelle.Events) -> None:
        self._source = source

    def next(self, timeout: float | None = None) -> Event | None:
        """Waits for the next event.

        Args:
            timeout: how long, in seconds; `None`, the default, waits until the stream ends, 0 does not wait.

        Returns:
            The event; `None` when none came in time or the stream has ended.
        """
        return self._source.next(None if timeout is None else max(0, round(timeout * 1000)))

    async def next_async(self, timeout: float | None = None) -> Event | None:
        """Waits for the next event as `next` does, without blocking the event loop."""
        try:
            return await asyncio.wait_for(self.__anext__(), timeout)
        except (asyncio.TimeoutError, StopAsyncIteration):
            return None

    def close(self) -> None:
        """Ends the stream."""
        self._source.close()

    def __next__(self) -> Event:
        event = self._source.next(None)
        if event is None:
            raise StopIteration
        return event

    def __iter__(self) -> Events:
        return self

    def __aiter__(self) -> Events:
        return self

    async def __anext__(self) -> Event:
        while (event := self._source.next(0)) is None:
            if self._source.is_ended():
                raise StopAsyncIteration
            await readable(self._source.fd())
        return event
