"""What both mirrors of redis-py's sentinel modules decide: how long, which role, which words."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.connection import AbstractConnection
from redis.exceptions import AuthenticationError, ConnectionError
from redis.retry import Retry

from . import _finding

Address = tuple[str, int]

# What redis-py of this version calls an argument that was not given.
UNSET: Final[object] = getattr(redis.utils, "SENTINEL", object())
# Since 6.3 a connection is made without the retries of the socket.
HAS_HEALTH_CHECKS: Final[bool] = hasattr(AbstractConnection, "on_connect_check_health")

# How long `discover_master` waits for the sentinels: about three waves of questions.
DISCOVERY_MS: Final = 1500
# How long a connection waits for a master, so that a failover after its detection fits.
FAILOVER_MS: Final = 5000
# How long a connection attempt may take while another address may be had.
CONNECT_S: Final = 1.0
# How long to wait for news before the same address is tried again.
PAUSE_MS: Final = 100


def sentinel_options(redis_class: type[Any], given: dict[str, Any]) -> dict[str, Any]:
    """How a client for one sentinel is made: without retries, because another sentinel can be asked."""
    kind = redis_class if isinstance(redis_class, type) else object
    if issubclass(kind, redis.asyncio.Redis):
        return {"retry": AsyncRetry(NoBackoff(), 0), **given}
    return {"retry": Retry(NoBackoff(), 0), **given} if issubclass(kind, redis.Redis) else given


def is_good(state: Mapping[str, Any], min_other_sentinels: int) -> bool:
    """Whether a sentinel's word on a master is one to go by."""
    if not state["is_master"] or state["is_sdown"] or state["is_odown"]:
        return False
    return bool(state["num-other-sentinels"] >= min_other_sentinels)


def no_master(service_name: str, why: object) -> str:
    """What an error that no master was found says."""
    text = str(why)
    return f"No master found for {service_name!r}" + (f" : {text}" if text else "")


def is_watched(manager: Any) -> bool:
    """Whether the engine answers in the place of this object's sentinels."""
    watched = _finding.watched_of(manager)
    return watched is not None and watched.discovery() is not None


def find_master(manager: Any, service_name: str, patience_ms: int) -> Address:
    """Asks the pool's manager for the master, with more patience than `discover_master` has if it is ours."""
    watched = _finding.watched_of(manager)
    if watched is None or watched.is_overridden("discover_master"):
        address: Address = manager.discover_master(service_name)
    else:
        address = manager._find_master(service_name, patience_ms)
    return address


def address_for(pool: Any, search: Search) -> Any:
    """The address that a connection of this pool is made to; in asyncio something that gives it when awaited.

    A pool that was given a way of its own, as test suites and subclasses do, is asked by redis-py's name for it.
    """
    # Not `type`, because connections of asyncio know their pool by a weak proxy.
    kind = pool.__class__
    is_ours = hasattr(kind, "_master_address") and kind.get_master_address.__module__.startswith("sentinelle.")
    if not is_ours or "get_master_address" in pool.__dict__:
        return pool.get_master_address()
    return pool._master_address(search.patience_ms())


def suspect(pool: Any, address: Address, sign: str) -> None:
    """Tells the engine that a server did not behave as a master."""
    watched = _finding.watched_of(pool.sentinel_manager)
    discovery = watched and watched.discovery()
    if discovery:
        discovery.suspect(pool.service_name, sign)


class Search:
    """How long one connection goes on looking for the master."""

    def __init__(self, manager: Any, service_name: str) -> None:
        self._manager = manager
        self._name = service_name
        self._end = time.monotonic() + FAILOVER_MS / 1000

    def patience_ms(self) -> int:
        """How long it may still wait for an address."""
        return max(1, round((self._end - time.monotonic()) * 1000))

    def goes_on(self, error: Exception, address: Address) -> bool:
        """Whether another attempt is made after this one failed; waits for news before."""
        discovery = self._next(error)
        if discovery is None:
            return False
        generation = discovery.generation(self._name)
        discovery.suspect(self._name, "disconnected")
        with suppress(_finding.NotFound):
            discovery.wait_switch(self._name, generation, min(PAUSE_MS, self.patience_ms()))
        return True

    async def goes_on_async(self, error: Exception, address: Address) -> bool:
        """The same without blocking the event loop."""
        discovery = self._next(error)
        if discovery is None:
            return False
        discovery.suspect(self._name, "disconnected")
        await asyncio.sleep(PAUSE_MS / 1000)
        return True

    def _next(self, error: Exception) -> Any:
        # A wrong password stays wrong.
        if isinstance(error, AuthenticationError) or time.monotonic() >= self._end:
            return None
        watched = _finding.watched_of(self._manager)
        return watched and watched.discovery()


@contextmanager
def short_connect(connection: Any) -> Iterator[None]:
    """Lets no attempt to connect take longer than a second where another address may be had by then."""
    if not is_watched(connection.connection_pool.sentinel_manager):
        yield
        return
    given = connection.socket_connect_timeout
    connection.socket_connect_timeout = CONNECT_S if given is None else min(given, CONNECT_S)
    try:
        yield
    finally:
        connection.socket_connect_timeout = given


def expect_pong(reply: object) -> None:
    """Refuses a server that answers PING with anything else."""
    if reply not in (b"PONG", "PONG"):
        raise ConnectionError("PING failed")


def greeted_role(connection: Any) -> str | None:
    """The role that the server named when it was greeted; `None` when it was not asked."""
    greeting = getattr(connection, "handshake_metadata", None) or {}
    with suppress(AttributeError):
        role = greeting.get(b"role") or greeting.get("role")
        return _text(role) if role else None
    return None


def role_of_reply(reply: Any) -> str | None:
    """The role that `ROLE` answered with."""
    return _text(reply[0]) if isinstance(reply, list) and reply else None


def expect_role(role: str | None, pool: Any) -> None:
    """Refuses a server that is no master where one is needed."""
    if pool.is_master and role is not None and role != "master":
        raise ConnectionError(f"The server is a {role}, not the master of {pool.service_name!r}")


def interrupt(connection: Any) -> None:
    """Ends what a connection waits for, on whatever thread that is; the holder finds it closed."""
    sock = connection._sock
    if sock is not None:
        # The plain socket's: that of TLS would take its state away from under a reader.
        with suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)


def interrupt_async(connection: Any) -> None:
    """The same for a connection of an event loop, on its thread."""
    writer = connection._writer
    if writer is not None:
        writer.transport.abort()


def _text(word: Any) -> str:
    return word.decode() if isinstance(word, bytes) else str(word)
