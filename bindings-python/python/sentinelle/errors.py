"""The failures of this package: a class whose `kind` says what went wrong, subclasses where callers decide by it.

Clients of Redis (`sentinelle.sentinel`, `sentinelle.Redis`) raise redis-py's own classes, so that an
`except redis.ConnectionError` goes on working; `sentinelle.SentinelServer` and `sentinelle.testing` raise these.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "ConfigError",
    "ForkedError",
    "NoServerError",
    "SentinelleError",
    "StoppedError",
    "UnreachableError",
    "WaitTimeoutError",
]


class SentinelleError(Exception):
    """A failure of this package.

    Attributes:
        kind: what went wrong, a stable name such as `"master-unknown"`.
        code: the same as a stable number.
        outcome: what is known of a command that failed: `"not-sent"`, `"rejected"` or `"unknown"` (it may have been
            executed); `None` when the failure concerns no command.
        retryable: whether the same call may succeed later.
        address: the server it concerns, as `host:port`.
        server_code: the first word of the server's error reply, such as `"READONLY"`.
    """

    kind: str = "state"
    code: int = 0
    outcome: str | None = None
    retryable: bool = False
    address: str | None = None
    server_code: str | None = None


class ConfigError(SentinelleError, ValueError):
    """A configuration, an option or an argument cannot be used; the message names it and the value."""


class ForkedError(SentinelleError, RuntimeError):
    """The object was made before this process was forked, and its threads are the parent's. Make a new one."""


class NoServerError(SentinelleError):
    """No server program for tests was found; the message says what to install."""


class StoppedError(SentinelleError):
    """The sentinel or the group is stopped."""


class UnreachableError(SentinelleError, ConnectionError):
    """A server or every sentinel is out of reach, refused, or not the one that was looked for."""


class WaitTimeoutError(SentinelleError, TimeoutError):
    """What was waited for did not come in time; a group adds the state of all its members."""


# Every kind of failure there is; a test holds it against the native module's list.
_CLASSES: Final[dict[str, type[SentinelleError]]] = {
    "config": ConfigError,
    "file": SentinelleError,
    "listen": SentinelleError,
    "connection": UnreachableError,
    "protocol": SentinelleError,
    "stopped": StoppedError,
    "no-server": NoServerError,
    "timeout": WaitTimeoutError,
    "cancelled": SentinelleError,
    "tls": UnreachableError,
    "auth": SentinelleError,
    "pool-exhausted": UnreachableError,
    "backpressure": UnreachableError,
    "sentinels-unreachable": UnreachableError,
    "master-unknown": UnreachableError,
    "master-not-ready": UnreachableError,
    "no-agreement": UnreachableError,
    "no-replica": UnreachableError,
    "moved": UnreachableError,
    "server": SentinelleError,
    "read-only": SentinelleError,
    "loading": SentinelleError,
    "no-permission": SentinelleError,
    "argument": ConfigError,
    "handle": SentinelleError,
    "state": SentinelleError,
    "unsupported": SentinelleError,
    "forked": ForkedError,
    "busy": SentinelleError,
    "panic": SentinelleError,
    "quorum": SentinelleError,
}


def from_failure(
    kind: str,
    code: int,
    message: str,
    outcome: str | None,
    retryable: bool,
    address: str | None,
    server_code: str | None,
) -> SentinelleError:
    """Makes the exception for a failure that the native module reports."""
    error = _CLASSES.get(kind, SentinelleError)(message)
    error.kind = kind
    error.code = code
    error.outcome = outcome
    error.retryable = retryable
    error.address = address
    error.server_code = server_code
    return error
