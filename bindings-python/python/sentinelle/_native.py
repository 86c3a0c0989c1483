"""Which clients and commands take the native path, and what of redis-py's calling convention that path honours."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from redis.client import EMPTY_RESPONSE, NEVER_DECODE
from redis.exceptions import ResponseError

from . import _options, _sentinelle

# They change or watch their connection, so they belong to one that the caller holds; redis-py's own path has those.
_OF_A_CONNECTION: Final = frozenset(
    [
        "ASKING",
        "AUTH",
        "CLIENT",
        "DISCARD",
        "EXEC",
        "HELLO",
        "HIMPORT",
        "MONITOR",
        "MULTI",
        "PSUBSCRIBE",
        "PSYNC",
        "PUNSUBSCRIBE",
        "QUIT",
        "READONLY",
        "READWRITE",
        "REPLCONF",
        "RESET",
        "SELECT",
        "SSUBSCRIBE",
        "SUBSCRIBE",
        "SUNSUBSCRIBE",
        "SYNC",
        "UNSUBSCRIBE",
        "UNWATCH",
        "WATCH",
    ]
)
_MOST_ROUTES: Final = 4096
_ROUTES: dict[Any, bool] = {}


def takes_native_path(name: Any) -> bool:
    """Whether a command of this name may run on any connection."""
    known = _ROUTES.get(name)
    if known is None:
        text = bytes(name).decode("utf-8", "replace") if isinstance(name, (bytes, bytearray, memoryview)) else str(name)
        words = text.split(maxsplit=1)
        known = bool(words) and words[0].upper() not in _OF_A_CONNECTION
        if len(_ROUTES) < _MOST_ROUTES:
            _ROUTES[name] = known
    return known


def pool_for(connection_pool: Any) -> _sentinelle.Pool | None:
    """The native pool that serves what a redis-py pool was made with.

    Returns:
        `None` when the pool is not one of ours, or was given a keyword that only redis-py's connections honour.
    """
    make = getattr(connection_pool, "_native_pool", None)
    return make() if make else None


def open_pool(manager: Any, name: str, given: dict[str, Any], is_master: bool) -> _sentinelle.Pool | None:
    """Opens a native pool for the keywords of a redis-py pool; `None` when it cannot serve one of them."""
    watched = getattr(manager, "_watched", None)
    seeds = watched and not watched.is_overridden("discover_master", "discover_slaves") and watched.options()
    plan = _options.plan_pool(given) if seeds else None
    if not seeds or plan is None:
        return None
    pairs = {**seeds, **plan.pairs, "master": name}
    if not is_master:
        pairs["read_from"] = "replica_preferred"
    return _sentinelle.Pool(list(pairs.items()), plan.encoding, plan.encoding_errors, plan.decodes, _SETS_ARE_SETS)


def finish(callbacks: Any, name: Any, reply: Any, options: dict[str, Any]) -> Any:
    """Applies redis-py's callback to a reply."""
    callback: Callable[..., Any] | None = callbacks.get(name) if isinstance(name, str) else None
    if not options:
        return callback(reply) if callback else reply
    options.pop(NEVER_DECODE, None)
    options.pop(EMPTY_RESPONSE, None)
    options.pop("keys", None)
    return callback(reply, **options) if callback else reply


def answer_to_refusal(error: Exception, options: dict[str, Any]) -> Any:
    """The value that stands for a refusal where the caller named one; else raises it."""
    if isinstance(error, ResponseError) and EMPTY_RESPONSE in options:
        return options[EMPTY_RESPONSE]
    raise error


def finish_all(
    callbacks: Any, stack: Iterable[tuple[tuple[Any, ...], dict[str, Any]]], replies: list[Any]
) -> list[Any]:
    """Applies redis-py's callbacks to the replies of a pipeline; failures stay as they are."""
    plain: dict[str, Any] = callbacks
    lookup = dict.get
    finished = []
    for (args, options), reply in zip(stack, replies, strict=True):
        if isinstance(reply, Exception):
            finished.append(reply)
            continue
        name = args[0]
        # Names are nearly always in upper case; then the look-up need not fold them.
        callback = lookup(plain, name) or callbacks.get(name)
        if callback is None:
            finished.append(reply)
            continue
        if options:
            options.pop("keys", None)
            options.pop(NEVER_DECODE, None)
        finished.append(callback(reply, **options) if options else callback(reply))
    return finished


def keeps_redis_py(options: dict[str, Any]) -> bool:
    """Whether a command of a pipeline has options that only redis-py's path knows."""
    return EMPTY_RESPONSE in options or NEVER_DECODE in options


_SETS_ARE_SETS: Final = _options.REDIS_VERSION < (6,)
