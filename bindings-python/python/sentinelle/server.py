"""A whole sentinel inside this process."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from . import _sentinelle
from ._texts import Pairs, to_pairs, to_words
from .errors import StoppedError
from .events import Events

__all__ = ["Address", "MasterStatus", "Monitored", "ReplicaStatus", "SentinelServer", "ServerStatus"]

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Monitored:
    """A master to be monitored.

    Attributes:
        host: its address; a name when the sentinel has `resolve_hostnames`.
        port: its port.
        quorum: how many sentinels must call it down before a failover begins; default 2.
        options: options of this master alone, such as `{"down_after_ms": 5000, "auth_password": "..."}`.
    """

    host: str
    port: int
    quorum: int = 2
    options: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class ReplicaStatus:
    """What a sentinel knows of one replica.

    Attributes:
        address: where it is.
        health: `"up"` or `"sdown"`.
        is_replicating: whether its link to the master is up.
        priority: how readily it is promoted: the lower the sooner, 0 never.
        offset: how much of the master's data it has, in bytes of the replication stream.
    """

    address: Address
    health: str
    is_replicating: bool
    priority: int
    offset: int


@dataclass(frozen=True, slots=True)
class MasterStatus:
    """What a sentinel knows of one master.

    Attributes:
        name: the name clients ask for.
        address: the address clients are given.
        health: `"up"`, `"sdown"` (down in this sentinel's opinion) or `"odown"` (in the quorum's).
        down_for_ms: for how long it has been down; `None` when it is up.
        quorum: how many sentinels must call it down.
        config_epoch: the version of its address.
        replicas: its replicas, by address.
        sentinels: the addresses of the other sentinels.
        failover: the stage of the failover that this sentinel leads; `None` when it leads none.
    """

    name: str
    address: Address
    health: str
    down_for_ms: int | None
    quorum: int
    config_epoch: int
    replicas: Sequence[ReplicaStatus]
    sentinels: Sequence[Address]
    failover: str | None


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What a sentinel knows at one moment.

    Attributes:
        id: its identity, 40 hexadecimal digits.
        epoch: the newest epoch it has seen.
        tilt_ms: for how long it has suspended judgement after a stall; `None` when it judges.
        masters: the monitored masters, by name.
    """

    id: str
    epoch: int
    tilt_ms: int | None
    masters: Mapping[str, MasterStatus]


class SentinelServer:
    """A sentinel that runs inside this process: it monitors, votes, leads failovers and answers clients.

    Real `redis-sentinel` and `valkey-sentinel` processes cannot tell it from one of theirs. It starts with `with`,
    `async with` or `start`, and ends with them. Its methods take well under a millisecond, so they may be called from
    a coroutine too.

    Args:
        masters: the masters to monitor, by name: `("127.0.0.1", 6379, 2)` (host, port, quorum) or a `Monitored`.
        config: the path of a `sentinel.conf`, which is also where its state is kept; then `masters` must be empty.
        config_text: the text of one; its state is then kept in `config_file`, or nowhere.
        options: the options of a sentinel, such as `listen="127.0.0.1:0"`, `down_after_ms=5000`, `config_file=path`;
            `sentinelle.options()` lists them with units and defaults.

    Raises:
        ConfigError: an option or a line of the configuration cannot be used.
        SentinelleError: an address cannot be listened on, or a file not be read (`kind` is `"listen"`, `"file"`).
    """

    def __init__(
        self,
        masters: Mapping[str, Monitored | tuple[str, int, int] | tuple[str, int]] | None = None,
        *,
        config: str | os.PathLike[str] | None = None,
        config_text: str | None = None,
        **options: object,
    ) -> None:
        if sum(given is not None for given in (masters, config, config_text)) != 1:
            raise TypeError("give one of masters, config and config_text")
        self._masters = [_native_master(name, master) for name, master in (masters or {}).items()]
        self._config = config
        self._config_text = config_text
        self._options = to_pairs(options)
        self._running: _sentinelle.Sentinel | None = None

    def start(self) -> SentinelServer:
        """Starts it; returns when it listens. One that has been stopped may be started again."""
        if self._running is not None:
            raise StoppedError("the sentinel has been started already")
        if self._config is not None:
            self._running = _sentinelle.Sentinel.start_from_file(self._config, self._options)
        elif self._config_text is not None:
            self._running = _sentinelle.Sentinel.start_from_text(self._config_text, self._options)
        else:
            self._running = _sentinelle.Sentinel.start(self._options, self._masters)
        return self

    def stop(self) -> None:
        """Ends it, within 100 ms; returns when its sockets and files are closed. Without effect when it has ended."""
        running, self._running = self._running, None
        if running is not None:
            running.stop()

    def __enter__(self) -> SentinelServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> SentinelServer:
        return await asyncio.to_thread(self.start)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)

    @property
    def id(self) -> str:
        """Its identity: 40 hexadecimal digits."""
        return self._native.id()

    @property
    def address(self) -> Address:
        """The first address it listens on."""
        return self.addresses[0]

    @property
    def addresses(self) -> list[Address]:
        """Every address it listens on."""
        return self._native.addresses()

    def events(self) -> Events:
        """Its events: for the first who asks from the start, for others from this moment on."""
        return Events(self._native.events())

    def status(self) -> ServerStatus:
        """All that it knows at this moment."""
        return _read_status(json.loads(self._native.status()))

    def command(self, *words: object) -> Any:
        """Runs a command of the protocol, such as `"SENTINEL", "MASTERS"`, as a client who needs no password.

        Returns:
            The reply: bytes, `int`, `list`, `dict`, `None`; an `Exception` object for an error reply.
        """
        return self._native.command(to_words(words))

    def failover(self, master: str, *, coordinated: bool = False) -> None:
        """Orders a failover; returns when it has begun. `events` tells how it goes on.

        Args:
            master: the master's name.
            coordinated: let the servers hand over among themselves (Redis 6.2 and later), so that nothing is lost.

        Raises:
            SentinelleError: it refuses (`kind` is `"quorum"` when there is no replica to promote).
        """
        self._native.failover(master, coordinated)

    def monitor(self, name: str, master: Monitored | tuple[str, int, int] | tuple[str, int]) -> None:
        """Monitors one more master."""
        self._native.monitor(_native_master(name, master))

    def remove(self, name: str) -> None:
        """Stops monitoring a master."""
        self._native.remove(name)

    def set(self, master: str, **options: object) -> None:
        """Changes options of a master, such as `quorum=3, down_after_ms=5000`."""
        self._native.set(master, to_pairs(options))

    def check_quorum(self, master: str) -> str:
        """Asks whether enough sentinels can be reached for a failover; gives the sentinel's words.

        Raises:
            SentinelleError: there are too few (`kind` is `"quorum"`).
        """
        return self._native.check_quorum(master)

    def reset(self, pattern: str) -> int:
        """Forgets the replicas and other sentinels of the masters whose name matches; gives how many those are."""
        return self._native.reset(pattern)

    def flush_config(self) -> None:
        """Writes its state to its file."""
        self._native.flush_config()

    def wait_ended(self) -> int | None:
        """Waits until it ends; gives the exit code when it ended by itself (`SHUTDOWN`), else `None`."""
        return self._native.wait_ended()

    @property
    def _native(self) -> _sentinelle.Sentinel:
        if self._running is None:
            raise StoppedError("the sentinel is not running")
        return self._running

    def __repr__(self) -> str:
        if self._running is None:
            return "<SentinelServer stopped>"
        return f"<SentinelServer {self.id} at {', '.join(f'{host}:{port}' for host, port in self.addresses)}>"


def _native_master(
    name: str, master: Monitored | tuple[str, int, int] | tuple[str, int]
) -> tuple[str, str, int, int, Pairs]:
    given = master if isinstance(master, Monitored) else Monitored(*master)
    return (name, given.host, given.port, given.quorum, to_pairs(given.options or {}))


def _read_status(status: dict[str, Any]) -> ServerStatus:
    masters = {each["name"]: _read_master(each) for each in status["masters"]}
    return ServerStatus(status["id"], status["epoch"], status["tilt_ms"], masters)


def _read_master(master: dict[str, Any]) -> MasterStatus:
    failover = master["failover"]
    return MasterStatus(
        name=master["name"],
        address=_read_address(master["address"]),
        health=master["health"],
        down_for_ms=master["down_for_ms"],
        quorum=master["quorum"],
        config_epoch=master["config_epoch"],
        replicas=tuple(
            ReplicaStatus(
                address=_read_address(each["address"]),
                health=each["health"],
                is_replicating=each["is_replicating"],
                priority=each["priority"],
                offset=each["offset"],
            )
            for each in master["replicas"]
        ),
        sentinels=tuple(_read_address(each["address"]) for each in master["peers"]),
        failover=failover and failover["stage"],
    )


def _read_address(address: dict[str, Any]) -> Address:
    return (address["host"], address["port"])
