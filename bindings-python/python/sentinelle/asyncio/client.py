"""A `redis.asyncio.Redis` whose commands run on the engine's own connections to the master of the moment.

All commands of an event loop share few connections, and one wake-up of the loop tells the results of all that are
ready. Every method, argument and reply is redis-py's.
"""

from __future__ import annotations

import asyncio
import functools
import weakref
from typing import Any

import redis
import redis.asyncio
from redis.client import EMPTY_RESPONSE, NEVER_DECODE
from redis.exceptions import ResponseError

from .. import _mirror_commands, _native, _sentinelle
from .._native import takes_native_path
from .._sentinelle import is_read

__all__ = ["Pipeline", "Redis"]

# By the loop's `id`, because that is found faster than the loop itself.
_COMPLETIONS: dict[int, tuple[weakref.ref[asyncio.AbstractEventLoop], _sentinelle.Completions]] = {}


def _completions(loop: asyncio.AbstractEventLoop) -> _sentinelle.Completions:
    known = _COMPLETIONS.get(id(loop))
    if known is not None and known[0]() is loop:
        return known[1]
    completions = _sentinelle.Completions()
    loop.add_reader(completions.fd(), completions.deliver)
    for key in [key for key, (kept, _) in list(_COMPLETIONS.items()) if kept() is None]:
        _COMPLETIONS.pop(key, None)
    _COMPLETIONS[id(loop)] = (weakref.ref(loop), completions)
    return completions


async def _run(pool: _sentinelle.Pool, args: tuple[Any, ...], is_raw: bool) -> Any:
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    completions = _completions(loop)
    if completions.submit(pool, args, future, is_raw):
        loop.call_soon(completions.flush)
    return await future


class Redis(redis.asyncio.Redis):
    """An asyncio client for the master, or the replicas, of one name; made by `master_for`, `slave_for`, `from_url`.

    Made in any other way it is a plain `redis.asyncio.Redis`.
    """

    _pool: _sentinelle.Pool | None = None
    # A replica refuses writes itself, as with redis-py.
    _reads_only = False

    @functools.wraps(redis.asyncio.Redis.__init__)
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _mirror_commands.tell_the_truth(self.response_callbacks)
        if not self.single_connection_client:
            self._pool = _native.pool_for(self.connection_pool)
            self._reads_only = not getattr(self.connection_pool, "is_master", True)

    @classmethod
    def from_url(cls, url: str, *args: Any, **kwargs: Any) -> Any:
        """A client for a URL: `redis+sentinel://host:port,host:port/name/db`, or any that redis-py knows."""
        from ..urls import from_url, names_sentinels

        if names_sentinels(url):
            return from_url(url, asyncio=True, redis_class=cls, **kwargs)
        return super().from_url(url, *args, **kwargs)

    @property
    def native(self) -> bool:
        """Whether commands run on the engine's connections; otherwise they run on redis-py's, found by the engine."""
        return self._pool is not None

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Runs a command, and gives the reply as redis-py would."""
        name = args[0]
        pool = self._pool
        if pool is None or not takes_native_path(name) or (self._reads_only and not is_read(args)):
            return await super().execute_command(*args, **options)
        try:
            reply = await _run(pool, args, NEVER_DECODE in options)
        except ResponseError as error:
            return _native.answer_to_refusal(error, options)
        return _native.finish(self.response_callbacks, name, reply, options)

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Any:
        """A pipeline: commands that are sent together, as a transaction unless told otherwise."""
        pipeline = Pipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)
        pipeline._pool = self._pool
        pipeline._reads_only = self._reads_only
        return pipeline

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Closes its connections, when the pool is its own or it is told so."""
        is_own = close_connection_pool is None and getattr(self, "auto_close_connection_pool", False)
        if self._pool is not None and (is_own or close_connection_pool):
            await asyncio.to_thread(self._pool.close)
        await super().aclose(close_connection_pool)


class Pipeline(redis.asyncio.client.Pipeline):
    """A pipeline whose commands travel in one piece; after a WATCH it has a connection of redis-py's."""

    _pool: _sentinelle.Pool | None = None
    # A replica refuses writes itself, as with redis-py.
    _reads_only = False
    _needs_redis_py = False

    def pipeline_execute_command(self, *args: Any, **options: Any) -> Any:
        """Adds a command."""
        if (
            not takes_native_path(args[0])
            or EMPTY_RESPONSE in options
            or NEVER_DECODE in options
            or (self._reads_only and not is_read(args))
        ):
            # The refusal of a replica, and options that only redis-py's pipelines know.
            self._needs_redis_py = True
        self.command_stack.append((args, options))
        return self

    async def immediate_execute_command(self, *args: Any, **options: Any) -> Any:
        """Runs a command at once."""
        if self._pool is None or self.watching or self.connection is not None or not takes_native_path(args[0]):
            return await super().immediate_execute_command(*args, **options)
        reply = await _run(self._pool, args, NEVER_DECODE in options)
        return _native.finish(self.response_callbacks, args[0], reply, options)

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Sends the commands and gives their replies in order.

        Args:
            raise_on_error: raise the first refusal; otherwise it stands among the replies.
        """
        stack: Any = self.command_stack
        if self._pool is None or self.watching or self.connection is not None or self._needs_redis_py:
            return await super().execute(raise_on_error)
        if not stack:
            return []
        try:
            if self.scripts:
                await self.load_scripts()
            commands = [args for args, _ in stack]
            is_atomic = bool(self.is_transaction or self.explicit_transaction)
            loop = asyncio.get_running_loop()
            future = loop.create_future()
            _completions(loop).submit_pipeline(self._pool, commands, is_atomic, future)
            replies: list[Any] = await future
            if raise_on_error:
                self.raise_first_error(stack, replies)
            return _native.finish_all(self.response_callbacks, stack, replies)
        finally:
            await self.reset()

    async def reset(self) -> None:
        """Forgets the commands, and gives the connection back."""
        self._needs_redis_py = False
        await super().reset()
