"""Which of redis-py's exceptions stands for which failure of the engine: one table, for sync and asyncio alike."""

from __future__ import annotations

from typing import Any, Final

from redis import exceptions
from redis._parsers.base import BaseParser

# Every kind of failure there is; a test holds it against the native module's list.
_CLASSES: Final[dict[str, type[Exception]]] = {
    "config": exceptions.DataError,
    "file": exceptions.ConnectionError,
    "listen": exceptions.ConnectionError,
    "connection": exceptions.ConnectionError,
    "protocol": exceptions.InvalidResponse,
    "stopped": exceptions.ConnectionError,
    "no-server": exceptions.ConnectionError,
    "timeout": exceptions.TimeoutError,
    "cancelled": exceptions.ConnectionError,
    "tls": exceptions.ConnectionError,
    "auth": exceptions.AuthenticationError,
    "pool-exhausted": getattr(exceptions, "MaxConnectionsError", exceptions.ConnectionError),
    "backpressure": exceptions.ConnectionError,
    "sentinels-unreachable": exceptions.ConnectionError,
    "master-unknown": exceptions.ConnectionError,
    "master-not-ready": exceptions.ConnectionError,
    "no-agreement": exceptions.ConnectionError,
    "no-replica": exceptions.ConnectionError,
    "moved": exceptions.ConnectionError,
    "server": exceptions.ResponseError,
    "read-only": exceptions.ReadOnlyError,
    "loading": exceptions.BusyLoadingError,
    "no-permission": exceptions.NoPermissionError,
    "argument": exceptions.DataError,
    "handle": exceptions.ConnectionError,
    "state": exceptions.RedisError,
    "unsupported": exceptions.RedisError,
    "forked": exceptions.ConnectionError,
    "busy": exceptions.ConnectionError,
    "panic": exceptions.RedisError,
    "quorum": exceptions.ResponseError,
}
_NO_MASTER: Final = frozenset({"sentinels-unreachable", "master-unknown", "master-not-ready", "no-agreement"})


def from_failure(
    kind: str,
    code: int,
    message: str,
    outcome: str | None,
    retryable: bool,
    address: str | None,
    server_code: str | None,
    reply: str | None,
) -> Exception:
    """Makes redis-py's exception for a failure; `reply` is the server's own text when the server refused."""
    error = BaseParser.parse_error(reply) if reply is not None else _class_of(kind)(message)
    # What `sentinelle.errors.SentinelleError` tells too, for callers who want to decide by it.
    facts: dict[str, Any] = {
        "kind": kind,
        "code": code,
        "outcome": outcome,
        "retryable": retryable,
        "address": address,
        "server_code": server_code,
    }
    for name, value in facts.items():
        setattr(error, name, value)
    return error


def _class_of(kind: str) -> type[Exception]:
    if kind in _NO_MASTER:
        from .sentinel import MasterNotFoundError

        return MasterNotFoundError
    if kind == "no-replica":
        from .sentinel import SlaveNotFoundError

        return SlaveNotFoundError
    return _CLASSES.get(kind, exceptions.RedisError)


def from_reply(text: str) -> Exception:
    """Makes redis-py's exception for an error reply that stands within another reply."""
    error: Exception = BaseParser.parse_error(text)
    return error
