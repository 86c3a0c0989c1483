"""How the mirrors get the engine's answers: which sentinels a `Sentinel` stands for, and who hears of a switch."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import json
import os
import random
import select
import threading
import weakref
from typing import Any

import redis
from redis.asyncio.connection import Connection as AsyncConnection
from redis.asyncio.connection import SSLConnection as AsyncSSLConnection
from redis.connection import Connection, SSLConnection

from . import _options, _sentinelle
from ._texts import to_address
from .errors import SentinelleError

Address = tuple[str, int]

# What the engine raises when it finds nothing.
NotFound = SentinelleError
_PLAIN_CONNECTIONS = (Connection, SSLConnection, AsyncConnection, AsyncSSLConnection)
_TOUCHED = {"execute_command", "sentinel_masters", "sentinel_slaves", "connection_pool"}
_HEARD = ("agrees", "stale", "differs")
_HOOKS = ("discover_master", "discover_slaves", "check_master_state", "filter_slaves")


class Watched:
    """The engine's view on the sentinels of one `Sentinel` object; follows what is assigned to its `.sentinels`."""

    def __init__(self, sentinel: Any) -> None:
        self._sentinel = weakref.ref(sentinel)
        self._lock = threading.Lock()
        self._seen: tuple[Any, ...] | None = None
        self._options: dict[str, str] | None = None
        self._discovery: _sentinelle.Discovery | None = None
        self._verify = "role"

    def is_overridden(self, *names: str) -> bool:
        """Whether a subclass, or the object itself, has its own way of finding."""
        sentinel = self._object()
        own = vars(sentinel)
        kind = type(sentinel)
        return any(
            name in own or not getattr(kind, name).__module__.startswith("sentinelle.") for name in (names or _HOOKS)
        )

    def options(self) -> dict[str, str] | None:
        """The engine's options for these sentinels; `None` when only redis-py can ask them."""
        self.discovery()
        return self._options

    def discovery(self) -> _sentinelle.Discovery | None:
        """The engine's discovery; `None` when the sentinels are replaced by something that only redis-py can ask."""
        sentinel = self._object()
        seen = tuple(map(id, sentinel.sentinels))
        if seen != self._seen:
            with self._lock:
                self._options = None if self.is_overridden() else _options_of(sentinel)
                self._discovery = None
                self._seen = seen
        if self._discovery is None and self._options is not None:
            with self._lock:
                self._discovery = _sentinelle.Discovery(list({**self._options, "verify": self._verify}.items()))
        return self._discovery

    def master(self, name: str, patience_ms: int) -> Address:
        """The master's address.

        A server that wants a password which this `Sentinel` was not given cannot be verified; the sentinels' word, and
        the connection that is made later, must do.
        """
        try:
            return self._checked(name, self._opened().master(name, patience_ms))
        except NotFound as failure:
            if not self._stops_verifying(failure):
                raise
        return self._checked(name, self._opened().master(name, patience_ms))

    async def master_async(self, name: str, patience_ms: int) -> Address:
        """The same without blocking the event loop."""
        known = self._opened().known_master(name)
        return self._checked(name, known) if known else await asyncio.to_thread(self.master, name, patience_ms)

    def replicas(self, name: str, patience_ms: int) -> list[Address]:
        """The addresses of the replicas that can be read from; the sentinels are asked again before there are none."""
        discovery = self._opened()
        found = discovery.replicas(name, patience_ms)
        if not found:
            discovery.refresh(name, patience_ms)
            found = discovery.replicas(name, patience_ms)
        return found

    def _opened(self) -> _sentinelle.Discovery:
        discovery = self.discovery()
        if discovery is None:
            raise NotFound("the sentinels were replaced")
        return discovery

    def _stops_verifying(self, failure: SentinelleError) -> bool:
        wants_password = "NOAUTH" in str(failure) or "Authentication required" in str(failure)
        if not wants_password or self._verify == "off":
            return False
        with self._lock:
            self._verify = "off"
            self._discovery = None
        return True

    def _checked(self, name: str, address: Address) -> Address:
        least = self._object().min_other_sentinels
        if least > 0:
            picture = json.loads(self._opened().topology(name))
            heard = [each for each in picture["sentinels"] if each["standing"] in _HEARD]
            if len(heard) - 1 < least:
                raise NotFound(f"{len(heard)} sentinels answer, {least} are wanted besides one")
        return address

    def _object(self) -> Any:
        sentinel = self._sentinel()
        if sentinel is None:
            raise NotFound("the Sentinel object is gone")
        return sentinel

    def shuffled(self, sentinels: list[Any]) -> list[Any]:
        """The sentinels in the order in which one of them is to be asked: those that are silent come last."""
        return random.sample(sentinels, len(sentinels))

    def release(self) -> None:
        """Lets go of the discovery; it is opened again when it is asked."""
        with self._lock:
            discovery, self._discovery = self._discovery, None
        if discovery is not None:
            discovery.close()


def _options_of(sentinel: Any) -> dict[str, str] | None:
    hosts: list[str] = []
    common: dict[str, str] | None = None
    for client in sentinel.sentinels:
        own = _how_to_reach(client)
        if own is None:
            return None
        host, options = own
        if common is not None and options != common:
            return None
        hosts.append(host)
        common = options
    if common is None:
        return None
    data = _options.plan_verification(sentinel.connection_kwargs)
    return {"sentinels": ",".join(hosts), **common, **data}


def _how_to_reach(client: Any) -> tuple[str, dict[str, str]] | None:
    if not isinstance(client, (redis.Redis, redis.asyncio.Redis)) or _TOUCHED & vars(client).keys() - {
        "connection_pool"
    }:
        return None
    pool = client.connection_pool
    if getattr(pool, "connection_class", None) not in _PLAIN_CONNECTIONS:
        return None
    kwargs = pool.connection_kwargs
    options = _options.plan_sentinel(kwargs, pool.connection_class in (SSLConnection, AsyncSSLConnection))
    if options is None:
        return None
    return to_address(kwargs["host"], kwargs["port"]), options


class _Herald:
    """The one thread of a process that tells pools of switches, so that what they wait for ends at once."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._lock = threading.Lock()
        self._posts: dict[int, _Post] = {}
        self._wake_reader, self._wake_writer = os.pipe()
        self._is_ended = False
        self._thread = threading.Thread(target=self._run, name="sentinelle-herald", daemon=True)
        self._thread.start()

    def follow(self, pool: Any, discovery: _sentinelle.Discovery, name: str) -> None:
        """Tells the pool of each switch of this master."""
        watch = discovery.watch(name)
        with self._lock:
            self._posts[watch.fd()] = _Post(watch, weakref.ref(pool))
        self._wake()

    def end(self) -> None:
        """Ends the thread, before the interpreter does."""
        self._is_ended = True
        self._wake()
        self._thread.join(timeout=1)

    def _wake(self) -> None:
        with contextlib.suppress(OSError):
            os.write(self._wake_writer, b"1")

    def _run(self) -> None:
        while not self._is_ended:
            poll = select.poll()
            poll.register(self._wake_reader, select.POLLIN)
            with self._lock:
                self._posts = {fd: post for fd, post in self._posts.items() if post.pool() is not None}
                for fd in self._posts:
                    poll.register(fd, select.POLLIN)
            for fd, _ in poll.poll(_TIDY_MS):
                if fd == self._wake_reader:
                    os.read(fd, 4096)
                elif not self._is_ended:
                    self._tell(fd)

    def _tell(self, fd: int) -> None:
        with self._lock:
            post = self._posts.get(fd)
        if post is None:
            return
        try:
            is_open = post.tell()
        except Exception:
            is_open = False
        if not is_open:
            with self._lock:
                self._posts.pop(fd, None)


class _Post:
    """One pool that follows one master."""

    def __init__(self, watch: _sentinelle.Watch, pool: weakref.ref[Any]) -> None:
        self.watch = watch
        self.pool = pool
        self._generation = 0

    def tell(self) -> bool:
        """Takes the newest picture; whether more will come."""
        text = self.watch.next(0)
        pool = self.pool()
        if text is None or pool is None:
            return False
        picture = json.loads(text)
        master = picture["master"]
        if picture["generation"] > self._generation and master is not None:
            is_first = self._generation == 0
            self._generation = picture["generation"]
            if not is_first:
                pool._leave_former_master((master["host"], master["port"]))
        return True


_HERALD: _Herald | None = None
_HERALD_LOCK = threading.Lock()
# How often pools that are gone are forgotten.
_TIDY_MS = 60_000


def follow(pool: Any) -> None:
    """Has a pool hear of switches, once in each process."""
    if pool.__dict__.get("_followed_in") == os.getpid():
        return
    watched: Watched | None = getattr(pool.sentinel_manager, "_watched", None)
    discovery = watched and watched.discovery()
    if discovery:
        pool._followed_in = os.getpid()
        _herald().follow(pool, discovery, pool.service_name)


def _herald() -> _Herald:
    global _HERALD
    if _HERALD is None or _HERALD.pid != os.getpid():
        with _HERALD_LOCK:
            if _HERALD is None or _HERALD.pid != os.getpid():
                _HERALD = _Herald()
    return _HERALD


def _begin_anew() -> None:
    global _HERALD, _HERALD_LOCK
    # The thread, and whoever held the lock, are the parent's.
    _HERALD = None
    _HERALD_LOCK = threading.Lock()


@atexit.register
def _end() -> None:
    if _HERALD is not None and _HERALD.pid == os.getpid():
        _HERALD.end()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
