"""Which clients and commands take the native path, and what of redis-py's calling convention that path honours."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from redis.client import EMPTY_RESPONSE, NEVER_DECODE
from redis.exceptions import ResponseError

from . import _finding, _options, _sentinelle

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
    watched = _finding.watched_of(manager)
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
    callback = _callback_of(callbacks, name)
    if callback is None:
        return reply
    if not options:
        return callback(reply)
    options.pop(NEVER_DECODE, None)
    options.pop(EMPTY_RESPONSE, None)
    options.pop("keys", None)
    return callback(reply, **options)


def _callback_of(callbacks: Any, name: Any, lookup: Callable[..., Any] = dict.get) -> Callable[..., Any] | None:
    if not isinstance(name, str):
        return None
    # Names are in upper case there, and nearly always here; then the look-up need not fold them.
    return lookup(callbacks, name) if name.isupper() else callbacks.get(name)


def answer_to_refusal(error: Exception, options: dict[str, Any]) -> Any:
    """The value that stands for a refusal where the caller named one; else raises it."""
    if isinstance(error, ResponseError) and EMPTY_RESPONSE in options:
        return options[EMPTY_RESPONSE]
    raise error


def finish_all(
    callbacks: Any, stack: Iterable[tuple[tuple[Any, ...], dict[str, Any]]], replies: list[Any]
) -> list[Any]:
    """Applies redis-py's callbacks to the replies of a pipeline, in their list; failures stay as they are."""
    known: dict[Any, Callable[..., Any] | None] = {}
    for index, (args, options) in enumerate(stack):
        name = args[0]
        if name not in known:
            known[name] = _callback_of(callbacks, name)
        callback = known[name]
        if callback is None or isinstance(replies[index], Exception):
            continue
        if options:
            options.pop("keys", None)
            options.pop(NEVER_DECODE, None)
        replies[index] = callback(replies[index], **options) if options else callback(replies[index])
    return replies


_SETS_ARE_SETS: Final = _options.REDIS_VERSION < (6,)
