"""Putting the mirrors in the place of redis-py's own modules, for libraries that import those."""

from __future__ import annotations

from typing import Any

__all__ = ["patch", "unpatch"]

_REPLACED: list[tuple[Any, str, Any]] = []


def patch() -> None:
    """Has `redis.sentinel` and `redis.asyncio.sentinel` find masters as this package does.

    To be called before the libraries that use them (Celery, django-redis, RQ) are imported, because many take the names
    over when they are. Their clients keep redis-py's connections where the library asks for them. A second call has no
    effect.
    """
    if _REPLACED:
        return
    import redis
    import redis.asyncio
    import redis.asyncio.sentinel
    import redis.sentinel

    from . import sentinel
    from .asyncio import sentinel as of_asyncio

    for ours, theirs, package in (
        (sentinel, redis.sentinel, redis),
        (of_asyncio, redis.asyncio.sentinel, redis.asyncio),
    ):
        for name in _NAMES:
            replacement = getattr(ours, name, None)
            for place in (theirs, package):
                if replacement is not None and hasattr(place, name):
                    _REPLACED.append((place, name, getattr(place, name)))
                    setattr(place, name, replacement)


def unpatch() -> None:
    """Undoes `patch`; objects that were made meanwhile stay as they are."""
    while _REPLACED:
        place, name, original = _REPLACED.pop()
        setattr(place, name, original)


_NAMES = (
    "MasterNotFoundError",
    "ReplicaNotFoundError",
    "Sentinel",
    "SentinelConnectionPool",
    "SentinelConnectionPoolProxy",
    "SentinelManagedConnection",
    "SentinelManagedSSLConnection",
    "SlaveNotFoundError",
)
