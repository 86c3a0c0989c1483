"""The asyncio half: `sentinelle.asyncio.sentinel` mirrors `redis.asyncio.sentinel`, `Redis` is its native client."""

from __future__ import annotations

from .client import Redis
from .sentinel import (
    MasterNotFoundError,
    ReplicaNotFoundError,
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
    SlaveNotFoundError,
)

__all__ = [
    "MasterNotFoundError",
    "Redis",
    "ReplicaNotFoundError",
    "Sentinel",
    "SentinelConnectionPool",
    "SentinelManagedConnection",
    "SentinelManagedSSLConnection",
    "SlaveNotFoundError",
    "from_url",
]


def from_url(url: str, **kwargs: object) -> Redis:
    """An asyncio client for a URL, as `sentinelle.from_url` reads it."""
    from ..urls import from_url as make

    client: Redis = make(url, asyncio=True, **kwargs)
    return client
