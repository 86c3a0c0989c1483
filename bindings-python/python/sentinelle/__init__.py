"""Redis Sentinel as a library: a sentinel inside your process, clients that survive failovers, groups for your tests.

What needs redis-py (`Sentinel`, `Redis`, `from_url`, `patch`) is imported when it is first used.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from . import _sentinelle
from .errors import (
    ConfigError,
    ForkedError,
    NoServerError,
    SentinelleError,
    StoppedError,
    UnreachableError,
    WaitTimeoutError,
)
from .events import Event, Events
from .server import MasterStatus, Monitored, ReplicaStatus, SentinelServer, ServerStatus

if TYPE_CHECKING:
    from .client import Redis
    from .discovery import Discovery
    from .patching import patch
    from .sentinel import Sentinel
    from .urls import from_url

__all__ = [
    "ConfigError",
    "Discovery",
    "Event",
    "Events",
    "ForkedError",
    "MasterStatus",
    "Monitored",
    "NoServerError",
    "Redis",
    "ReplicaStatus",
    "Sentinel",
    "SentinelServer",
    "SentinelleError",
    "ServerStatus",
    "StoppedError",
    "UnreachableError",
    "WaitTimeoutError",
    "from_url",
    "options",
    "patch",
]

__version__ = _sentinelle.VERSION

_LATER = {
    "Discovery": "discovery",
    "Redis": "client",
    "Sentinel": "sentinel",
    "from_url": "urls",
    "patch": "patching",
}


def options() -> list[dict[str, Any]]:
    """The table of all options: key, kind, unit, default, bounds, what each means and where it has a meaning."""
    table: list[dict[str, Any]] = json.loads(_sentinelle.options_json())
    return table


def __getattr__(name: str) -> Any:
    if name in _LATER:
        from importlib import import_module

        return getattr(import_module(f".{_LATER[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
