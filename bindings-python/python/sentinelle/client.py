"""A `redis.Redis` whose commands run on the engine's own connections to the master of the moment.

Every method, argument and reply is redis-py's: its callbacks make the replies. What needs a connection of its own
(pub/sub, monitor, `client()`, WATCH) has redis-py's connections, found by the engine.
"""

from __future__ import annotations

import functools
from typing import Any

import redis
from redis.client import EMPTY_RESPONSE, NEVER_DECODE
from redis.exceptions import ResponseError

from . import _mirror_commands, _native, _sentinelle
from ._native import takes_native_path
from ._sentinelle import is_read

__all__ = ["Pipeline", "Redis"]


class Redis(redis.Redis):
    """A client for the master, or the replicas, of one name; made by `master_for`, `slave_for` and `from_url`.

    Made in any other way it is a plain `redis.Redis`.
    """

    _pool: _sentinelle.Pool | None = None
    # A replica refuses writes itself, as with redis-py.
    _reads_only = False

    @functools.wraps(redis.Redis.__init__)
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _mirror_commands.tell_the_truth(self.response_callbacks)
        if self.connection is None:
            self._pool = _native.pool_for(self.connection_pool)
            self._reads_only = not getattr(self.connection_pool, "is_master", True)

    @classmethod
    def from_url(cls, url: str, **kwargs: Any) -> Any:
        """A client for a URL: `redis+sentinel://host:port,host:port/name/db`, or any that redis-py knows."""
        from .urls import from_url, names_sentinels

        return from_url(url, redis_class=cls, **kwargs) if names_sentinels(url) else super().from_url(url, **kwargs)

    @property
    def native(self) -> bool:
        """Whether commands run on the engine's connections; otherwise they run on redis-py's, found by the engine."""
        return self._pool is not None

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Runs a command, and gives the reply as redis-py would."""
        name = args[0]
        is_native = self._pool is not None and self.connection is None and takes_native_path(name)
        if not is_native or (self._reads_only and not is_read(args)):
            return super().execute_command(*args, **options)
        try:
            reply = self._pool.execute(args, NEVER_DECODE in options)
        except ResponseError as error:
            return _native.answer_to_refusal(error, options)
        return _native.finish(self.response_callbacks, name, reply, options)

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Any:
        """A pipeline: commands that are sent together, as a transaction unless told otherwise."""
        pipeline = Pipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)
        pipeline._pool = self._pool
        pipeline._reads_only = self._reads_only
        return pipeline

    def close(self) -> None:
        """Closes its connections, when the pool is its own."""
        if self._pool is not None and getattr(self, "auto_close_connection_pool", False):
            self._pool.close()
        super().close()


class Pipeline(redis.client.Pipeline):
    """A pipeline whose commands travel in one piece; after a WATCH it has a connection of redis-py's."""

    _pool: _sentinelle.Pool | None = None
    # A replica refuses writes itself, as with redis-py.
    _reads_only = False
    _needs_redis_py = False

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Adds a command; runs it at once between WATCH and MULTI."""
        if (self.watching or args[0] == "WATCH") and not self.explicit_transaction:
            return self.immediate_execute_command(*args, **options)
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

    def immediate_execute_command(self, *args: Any, **options: Any) -> Any:
        """Runs a command at once."""
        if self._pool is None or self.watching or self.connection is not None or not takes_native_path(args[0]):
            return super().immediate_execute_command(*args, **options)
        reply = self._pool.execute(args, NEVER_DECODE in options)
        return _native.finish(self.response_callbacks, args[0], reply, options)

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Sends the commands and gives their replies in order.

        Args:
            raise_on_error: raise the first refusal; otherwise it stands among the replies.
        """
        stack = self.command_stack
        if self._pool is None or self.watching or self.connection is not None or self._needs_redis_py:
            return super().execute(raise_on_error)
        if not stack:
            return []
        try:
            if self.scripts:
                self.load_scripts()
            commands = [args for args, _ in stack]
            replies = self._pool.pipeline(commands, bool(vars(self)["transaction"] or self.explicit_transaction))
            if raise_on_error:
                self.raise_first_error(stack, replies)
            return _native.finish_all(self.response_callbacks, stack, replies)
        finally:
            self.reset()

    def reset(self) -> None:
        """Forgets the commands, and gives the connection back."""
        self._needs_redis_py = False
        super().reset()
