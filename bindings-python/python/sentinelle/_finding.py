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
import time
import weakref
from collections.abc import Callable
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

    @property
    def opened(self) -> _sentinelle.Discovery | None:
        """The discovery that was opened last, if it is still to be asked."""
        return self._discovery

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
                self._discovery = _sentinelle.Discovery(list({"verify": self._verify, **self._options}.items()))
        return self._discovery

    def master(self, name: str, patience_ms: int) -> Address:
        """The master's address; fails as soon as every sentinel has said that it knows no master of this name."""
        return self._checked(name, self._opened().known_master(name) or self._search(name, patience_ms))

    async def master_async(self, name: str, patience_ms: int) -> Address:
        """The same without blocking the event loop."""
        known = self._opened().known_master(name)
        return self._checked(name, known) if known else await asyncio.to_thread(self.master, name, patience_ms)

    def replicas(self, name: str, patience_ms: int) -> list[Address]:
        """The addresses of the replicas that can be read from; the sentinels are asked again before there are none."""
        discovery = self._opened()
        if not (found := _replicas_of(discovery.topology(name))):
            if discovery.known_master(name) is None:
                self._search(name, patience_ms)
                discovery = self._opened()
            found = _replicas_of(discovery.topology(name)) or _replicas_of(discovery.refresh(name, patience_ms))
        return found

    def _search(self, name: str, patience_ms: int) -> Address:
        end = time.monotonic() + patience_ms / 1000
        discovery = self._opened()
        pictures = discovery.watch(name)
        is_searching = False
        while (text := pictures.next(_ms_until(end))) is not None:
            picture = json.loads(text)
            if picture["phase"] == "up":
                break
            if self._stops_verifying(picture["trouble"] or ""):
                return self._search(name, _ms_until(end))
            # What they said before this search began may be long ago.
            if is_searching and _knows_nobody(picture):
                end = 0.0
                break
            is_searching = is_searching or not picture["trouble"]
        return discovery.master(name, max(1, _ms_until(end)))

    def _opened(self) -> _sentinelle.Discovery:
        discovery = self.discovery()
        if discovery is None:
            raise NotFound("the sentinels were replaced")
        return discovery

    def _stops_verifying(self, trouble: str) -> bool:
        """Whether servers are taken from now on without a look at their role.

        A server that wants a password which this `Sentinel` was not given cannot be verified; the sentinels' word, and
        the connection that is made later, must do.
        """
        wants_password = "NOAUTH" in trouble or "Authentication required" in trouble
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


def watched_of(manager: Any) -> Watched | None:
    """The engine's view of what a pool calls its manager; `None` when that is none of our `Sentinel` objects."""
    watched = getattr(manager, "_watched", None)
    return watched if isinstance(watched, Watched) else None


def _ms_until(end: float) -> int:
    return max(0, round((end - time.monotonic()) * 1000))


def _replicas_of(picture: str) -> list[Address]:
    addresses = (each["address"] for each in json.loads(picture)["replicas"])
    return [(address["host"], address["port"]) for address in addresses]


def _knows_nobody(picture: dict[str, Any]) -> bool:
    standings = {each["standing"] for each in picture["sentinels"]}
    return bool(picture["trouble"]) and standings == {"unaware"}


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
            for post in self._posts.values():
                # Taken away by the thread itself: it may be waiting for the descriptor, whose number may be given anew.
                if post.pool() is pool:
                    post.pool = _nobody
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

    def __init__(self, watch: _sentinelle.Watch, pool: Callable[[], Any]) -> None:
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


def _nobody() -> None:
    return None


_HERALD: _Herald | None = None
_HERALD_LOCK = threading.Lock()
# How often pools that are gone are forgotten.
_TIDY_MS = 60_000


def follow(pool: Any) -> None:
    """Has a pool hear of switches: in each process from a thread of its own, and from the discovery of the moment."""
    watched = watched_of(pool.sentinel_manager)
    if watched is None or pool.__dict__.get("_followed") == (os.getpid(), watched.opened):
        return
    discovery = watched.discovery()
    if discovery:
        pool._followed = (os.getpid(), discovery)
        _herald().follow(pool, discovery, pool.service_name)


def _herald() -> _Herald:
    global _HERALD
    if _HERALD is None or _HERALD.pid != os.getpid():
        with _HERALD_LOCK:
            if _HERALD is None or _HERALD.pid != os.getpid():
                _HERALD = _Herald()
    return _HERALD


# What threads of the parent held a part of when this process was forked; it must not be taken apart here.
_OF_PARENTS: list[_Herald] = []


def _begin_anew() -> None:
    global _HERALD, _HERALD_LOCK
    # The thread, and whoever held the lock, are the parent's.
    if _HERALD is not None:
        _OF_PARENTS.append(_HERALD)
    _HERALD = None
    _HERALD_LOCK = threading.Lock()


@atexit.register
def _end() -> None:
    if _HERALD is not None and _HERALD.pid == os.getpid():
        _HERALD.end()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
