"""Finding masters and following them, for programs that bring their own client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from . import _sentinelle
from ._texts import to_pairs
from ._waiting import readable
from .events import Events

__all__ = ["Address", "Discovery", "Replica", "SentinelSeen", "Topology", "Watch"]

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Replica:
    """A replica that may be read from.

    Attributes:
        address: where it is.
        lag: how many bytes it is behind the foremost replica; `None` when that is not known.
        priority: how readily it is promoted: the lower the sooner, 0 never.
    """

    address: Address
    lag: int | None
    priority: int


@dataclass(frozen=True, slots=True)
class SentinelSeen:
    """A sentinel and what it said last.

    Attributes:
        address: where it is.
        standing: how its words fit: `"unasked"`, `"agrees"`, `"stale"`, `"differs"`, `"unaware"`, `"silent"`.
        said: what it said last, for people.
    """

    address: Address
    standing: str
    said: str


@dataclass(frozen=True, slots=True)
class Topology:
    """All that is known of one master at one moment.

    Attributes:
        name: the name the sentinels monitor it under.
        generation: which master this is: 0 before any was found, one more with each switch.
        epoch: the configuration epoch of the sentinels that named it.
        phase: how far it may be relied on: `"resolving"`, `"up"`, `"suspect"`, `"hold"`, `"down"`, `"closed"`.
        master: the last server that was verified as the master; `None` before any was.
        replicas: the replicas that may be read from.
        sentinels: the sentinels, with what each said last.
        down_after_ms: `down-after-milliseconds` of this master; `None` until a sentinel has told.
        trouble: why the last search found nothing; `None` when it found the master.
    """

    name: str
    generation: int
    epoch: int
    phase: str
    master: Address | None
    replicas: tuple[Replica, ...]
    sentinels: tuple[SentinelSeen, ...]
    down_after_ms: int | None
    trouble: str | None


class Discovery:
    """Finds masters through sentinels, verifies them by their role, and hears of every switch.

    All discoveries of a process with the same options share their connections. After a fork the child's is made anew on
    its first use.

    Args:
        sentinels: the sentinels to begin with: `"host:port"` or pairs of host and port.
        options: the options of a discovery, such as `sentinel_password="..."`; `sentinelle.options()` lists them.

    Raises:
        ConfigError: an option cannot be used.
    """

    def __init__(self, sentinels: str | Iterable[Address | str], **options: object) -> None:
        self._native = _sentinelle.Discovery(to_pairs({"sentinels": _to_list(sentinels), **options}))

    @classmethod
    def from_url(cls, url: str) -> Discovery:
        """A discovery for `redis+sentinel://host:port,host:port`."""
        discovery = cls.__new__(cls)
        discovery._native = _sentinelle.Discovery.open_url(url)
        return discovery

    def master(self, name: str, timeout: float = 5.0) -> Address:
        """The master's address, verified.

        Args:
            name: the name the sentinels monitor it under.
            timeout: how long to wait for one, in seconds; default 5.

        Raises:
            UnreachableError: there is none; the message tells what every sentinel said.
        """
        return self._native.master(name, _to_ms(timeout))

    def replicas(self, name: str, timeout: float = 5.0) -> list[Address]:
        """The addresses of the replicas that may be read from."""
        return self._native.replicas(name, _to_ms(timeout))

    def topology(self, name: str) -> Topology:
        """All that is known at this moment, without a wait."""
        return _read(self._native.topology(name))

    def masters(self, pattern: str = "*", timeout: float = 5.0) -> list[str]:
        """The names of all masters that fit the glob."""
        return self._native.masters(pattern, _to_ms(timeout))

    def watch(self, name: str) -> Watch:
        """What is known of one master, the first picture at once, then one with each change."""
        return Watch(self._native.watch(name))

    def events(self) -> Events:
        """Everything that happens from this moment on, of all masters."""
        return Events(self._native.events())

    def suspect(self, name: str, sign: str = "disconnected") -> None:
        """Tells that the master did not behave as one; the sentinels are asked at once.

        Args:
            name: the master's name.
            sign: `"read-only"`, `"not-ready"`, `"disconnected"` or `"timed-out"`.
        """
        self._native.suspect(name, sign)

    def refresh(self, name: str, timeout: float = 5.0) -> Topology:
        """Asks the sentinels again, and gives what is known then."""
        return _read(self._native.refresh(name, _to_ms(timeout)))

    async def master_async(self, name: str, timeout: float = 5.0) -> Address:
        """The same as `master`, without blocking the event loop."""
        known = self._native.known_master(name)
        return known if known is not None else await asyncio.to_thread(self.master, name, timeout)

    async def replicas_async(self, name: str, timeout: float = 5.0) -> list[Address]:
        """The same as `replicas`, without blocking the event loop."""
        return await asyncio.to_thread(self.replicas, name, timeout)

    def close(self) -> None:
        """Lets go of it: its connections close when nobody else uses them."""
        self._native.close()

    def __enter__(self) -> Discovery:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Discovery:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Watch(Iterator[Topology], AsyncIterator[Topology]):
    """Pictures of one master, the newest each time: what is not fetched in time is overtaken."""

    def __init__(self, native: _sentinelle.Watch) -> None:
        self._native = native

    def next(self, timeout: float | None = None) -> Topology | None:
        """Waits for a change.

        Args:
            timeout: how long, in seconds; `None`, the default, waits for ever, 0 does not wait.

        Returns:
            The newest picture; `None` when nothing changed in time or no change will come.
        """
        text = self._native.next(None if timeout is None else _to_ms(timeout))
        return None if text is None else _read(text)

    def __iter__(self) -> Watch:
        return self

    def __next__(self) -> Topology:
        picture = self.next()
        if picture is None:
            raise StopIteration
        return picture

    def __aiter__(self) -> Watch:
        return self

    async def __anext__(self) -> Topology:
        while True:
            await readable(self._native.fd())
            picture = self.next(0)
            if picture is not None:
                return picture
            raise StopAsyncIteration


def _to_list(sentinels: str | Iterable[Address | str]) -> str | list[Address | str]:
    return sentinels if isinstance(sentinels, str) else list(sentinels)


def _to_ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))


def _read(text: str) -> Topology:
    picture: dict[str, Any] = json.loads(text)
    return Topology(
        name=picture["name"],
        generation=picture["generation"],
        epoch=picture["epoch"],
        phase=picture["phase"],
        master=_read_address(picture["master"]) if picture["master"] else None,
        replicas=tuple(
            Replica(_read_address(each["address"]), each["lag"], each["priority"]) for each in picture["replicas"]
        ),
        sentinels=tuple(
            SentinelSeen(_read_address(each["address"]), each["standing"], each["said"])
            for each in picture["sentinels"]
        ),
        down_after_ms=picture["down_after_ms"],
        trouble=picture["trouble"],
    )


def _read_address(address: dict[str, Any]) -> Address:
    return (address["host"], address["port"])
