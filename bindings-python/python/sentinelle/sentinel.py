"""The mirror of `redis.sentinel`: the same names, answered by the table that the engine keeps watching.

Change the import and nothing else. What differs from redis-py is what hurts there: no connection asks a sentinel for an
address, a dead sentinel costs nothing, a new connection waits for a promotion that is under way, connections to a
former master are closed, `SENTINEL CKQUORUM` and `RESET` tell the truth. `.sentinels` and this module's `Redis` may be
replaced, as test suites do; then the replaced objects are asked, one after the other, as redis-py does.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any

import redis.sentinel as theirs
from redis.connection import Connection, ConnectionPool, SSLConnection
from redis.exceptions import ConnectionError, ReadOnlyError, ResponseError, TimeoutError

from . import _finding, _mirror, _native, _sentinelle
from ._mirror import UNSET, Address
from .client import Redis

__all__ = [
    "Connection",
    "ConnectionPool",
    "MasterNotFoundError",
    "Redis",
    "ReplicaNotFoundError",
    "SSLConnection",
    "Sentinel",
    "SentinelConnectionPool",
    "SentinelConnectionPoolProxy",
    "SentinelManagedConnection",
    "SentinelManagedSSLConnection",
    "SlaveNotFoundError",
]

# By these names, because `patch` puts the classes below in the place of theirs.
_TheirConnection = theirs.SentinelManagedConnection
_TheirPool = theirs.SentinelConnectionPool
_TheirMasterNotFoundError = theirs.MasterNotFoundError


class MasterNotFoundError(theirs.MasterNotFoundError):
    """No sentinel names a master that can be used; the message tells what each of them said."""


class SlaveNotFoundError(theirs.SlaveNotFoundError):
    """No replica can be used, and neither can the master in its place."""


ReplicaNotFoundError = SlaveNotFoundError


class SentinelManagedConnection(theirs.SentinelManagedConnection):
    """A connection that finds its server anew each time it connects."""

    def __repr__(self) -> str:
        place = f",host={self.host},port={self.port}" if self.host else ""
        name = self.connection_pool.service_name
        return f"<{type(self).__module__}.{type(self).__name__}(service={name}{place})>"

    def connect_to(self, address: Address) -> None:
        """Connects to this server; fails when it has not the role that the pool is for."""
        self.host, self.port = address
        with _mirror.short_connect(self):
            if _mirror.HAS_HEALTH_CHECKS:
                super().connect_check_health(
                    check_health=self.connection_pool.check_connection, retry_socket_connect=False
                )
            else:
                super(_TheirConnection, self).connect()

    def _connect_retry(self) -> None:
        if self._sock:
            return None
        pool = self.connection_pool
        if not pool.is_master:
            for address in pool.rotate_slaves():
                try:
                    return self.connect_to(address)
                except (ConnectionError, TimeoutError):
                    continue
        search = _mirror.Search(pool.sentinel_manager, pool.service_name)
        while True:
            address = _mirror.address_for(pool, search)
            try:
                return self.connect_to(address)
            except (ConnectionError, TimeoutError) as error:
                if not search.goes_on(error, address):
                    raise

    def connect(self) -> None:
        """Connects, when it is not connected, to the server that has the pool's role at this moment."""
        self.retry.call_with_retry(self._connect_retry, lambda _: None)

    def connect_check_health(self, check_health: bool = True, retry_socket_connect: bool = True) -> None:
        """Connects as `connect` does, so that a command that is tried again goes to the new master."""
        if retry_socket_connect:
            self.connect()
        else:
            super().connect_check_health(check_health=check_health, retry_socket_connect=False)

    if _mirror.HAS_HEALTH_CHECKS:

        def on_connect_check_health(self, check_health: bool = True) -> None:
            """Greets the server, and makes sure that it has the role that the pool is for."""
            super().on_connect_check_health(check_health=check_health)
            self._check_server()
    else:

        def on_connect(self) -> None:
            """Greets the server, and makes sure that it has the role that the pool is for."""
            super().on_connect()
            self._check_server()

    def _check_server(self) -> None:
        pool = self.connection_pool
        if pool.check_connection:
            self.send_command("PING", check_health=False)
            _mirror.expect_pong(self.read_response())
        if not _mirror.is_watched(pool.sentinel_manager):
            return
        role = _mirror.greeted_role(self)
        if role is None:
            self.send_command("ROLE", check_health=False)
            try:
                role = _mirror.role_of_reply(self.read_response())
            except ResponseError:
                return  # This user may not ask; the sentinels' word must do.
        _mirror.expect_role(role, pool)

    def read_response(
        self,
        disable_decoding: bool = False,
        *,
        timeout: float | object = UNSET,
        disconnect_on_error: bool | None = False,
        push_request: bool | None = False,
    ) -> Any:
        """Reads a reply. A connection is closed when anything but the server or the network ends the read."""
        options = {} if timeout is UNSET else {"timeout": timeout}
        try:
            return super(_TheirConnection, self).read_response(
                disable_decoding=disable_decoding,
                disconnect_on_error=disconnect_on_error,
                push_request=push_request,
                **options,
            )
        except ReadOnlyError:
            if not self.connection_pool.is_master:
                raise
            _mirror.suspect(self.connection_pool, (self.host, self.port), "read-only")
            self.disconnect()
            raise ConnectionError("The previous master is now a slave") from None
        except (ResponseError, ConnectionError, TimeoutError):
            raise
        except BaseException:
            # The reply is still to come, and must not be taken for that of another command.
            self.disconnect()
            raise


class SentinelManagedSSLConnection(SentinelManagedConnection, theirs.SentinelManagedSSLConnection):
    """The same over TLS."""


class SentinelConnectionPoolProxy(theirs.SentinelConnectionPoolProxy):
    """What a connection knows of its pool, also when the pool is gone."""

    def get_master_address(self) -> Address:
        """The master's address at this moment; waits as long as a command may when there is none."""
        return self._master_address(_mirror.FAILOVER_MS)

    def _master_address(self, patience_ms: int) -> Address:
        address = _mirror.find_master(self.sentinel_manager, self.service_name, patience_ms)
        if self.is_master and self.master_address != address:
            self.master_address = address
            pool = self.connection_pool_ref()
            if pool is not None:
                pool.disconnect(inuse_connections=False)
        return address

    def rotate_slaves(self) -> Iterator[Address]:
        """The replicas in turn, then the master."""
        replicas = self.sentinel_manager.discover_slaves(self.service_name)
        if replicas:
            if self.slave_rr_counter is None:
                self.slave_rr_counter = random.randint(0, len(replicas) - 1)
            for _ in replicas:
                self.slave_rr_counter = (self.slave_rr_counter + 1) % len(replicas)
                yield replicas[self.slave_rr_counter]
        with contextlib.suppress(_TheirMasterNotFoundError):
            yield self.get_master_address()
        raise SlaveNotFoundError(f"No slave found for {self.service_name!r}")

    def rotate_replicas(self) -> Iterator[Address]:
        """The same as `rotate_slaves`."""
        return self.rotate_slaves()


class SentinelConnectionPool(theirs.SentinelConnectionPool):
    """A pool of connections to the master, or to the replicas, of one name.

    With `check_connection` a new connection is sent a PING before it is used.
    """

    def __init__(self, service_name: str, sentinel_manager: Any, **kwargs: Any) -> None:
        self._given = dict(kwargs)
        # Taken out in any case, as redis-py does.
        connection_class = SentinelManagedSSLConnection if kwargs.pop("ssl", False) else SentinelManagedConnection
        kwargs.setdefault("connection_class", connection_class)
        self.is_master = kwargs.pop("is_master", True)
        self.check_connection = kwargs.pop("check_connection", False)
        self.proxy = SentinelConnectionPoolProxy(
            connection_pool=self,
            is_master=self.is_master,
            check_connection=self.check_connection,
            service_name=service_name,
            sentinel_manager=sentinel_manager,
        )
        super(_TheirPool, self).__init__(**kwargs)
        self.connection_kwargs["connection_pool"] = self.proxy
        self.service_name = service_name
        self.sentinel_manager = sentinel_manager

    def get_connection(self, *args: Any, **kwargs: Any) -> Any:
        """A connection to a server that has the pool's role at this moment."""
        connection = super().get_connection(*args, **kwargs)
        _finding.follow(self)
        return connection

    def get_master_address(self) -> Address:
        """The master's address at this moment; waits as long as a command may when there is none."""
        return self.proxy.get_master_address()

    def rotate_slaves(self) -> Iterator[Address]:
        """The replicas in turn, then the master."""
        return self.proxy.rotate_slaves()

    def rotate_replicas(self) -> Iterator[Address]:
        """The same as `rotate_slaves`."""
        return self.rotate_slaves()

    def _native_pool(self) -> _sentinelle.Pool | None:
        return _native.open_pool(self.sentinel_manager, self.service_name, self._given, self.is_master)

    def _leave_former_master(self, master: Address) -> None:
        """Closes what leads to another master; called by the thread that hears of a switch."""
        with self._lock:
            for connection in self._available_connections:
                connection.disconnect()
            for connection in self._in_use_connections:
                if self.is_master and (connection.host, connection.port) != master:
                    _mirror.interrupt(connection)
            if self.is_master:
                self.proxy.master_address = master


class Sentinel(theirs.Sentinel):
    """Finds masters and replicas by name, and makes clients for them.

    Args:
        sentinels: pairs of host and port.
        min_other_sentinels: how many other sentinels a sentinel must know for its word to count; default 0.
        sentinel_kwargs: how to connect to sentinels; when `None`, the `socket_*` entries of `connection_kwargs`.
        force_master_ip: the address to use in the place of every master's; default none.
        connection_kwargs: how to connect to the servers.
    """

    def __init__(
        self,
        sentinels: Iterable[Address],
        min_other_sentinels: int = 0,
        sentinel_kwargs: dict[str, Any] | None = None,
        force_master_ip: str | None = None,
        **connection_kwargs: Any,
    ) -> None:
        if sentinel_kwargs is None:
            sentinel_kwargs = {key: value for key, value in connection_kwargs.items() if key.startswith("socket_")}
        self.sentinel_kwargs = sentinel_kwargs
        self.sentinels = [
            Redis(host, port, **_mirror.sentinel_options(Redis, sentinel_kwargs)) for host, port in sentinels
        ]
        self.min_other_sentinels = min_other_sentinels
        self.connection_kwargs = connection_kwargs
        self._force_master_ip = force_master_ip
        self._watched = _finding.Watched(self)

    def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        """Runs a command on all sentinels.

        Args:
            args: the command.
            once: on one of them that answers instead; default `False`.
            return_responses: give the replies instead of whether all of them are good; default `False`.
            kwargs: passed on to each.
        """
        once = bool(kwargs.pop("once", False))
        return_responses = bool(kwargs.pop("return_responses", False))
        if once:
            response = self._execute_once(args, kwargs)
            return [response] if return_responses else bool(response)
        responses = [sentinel.execute_command(*args, **kwargs) for sentinel in self.sentinels]
        return responses if return_responses else all(responses)

    def _execute_once(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        *others, last = self._watched.shuffled(self.sentinels)
        for sentinel in others:
            try:
                return sentinel.execute_command(*args, **kwargs)
            except (ConnectionError, TimeoutError):
                continue
        return last.execute_command(*args, **kwargs)

    def __repr__(self) -> str:
        places = ("{host}:{port}".format_map(each.connection_pool.connection_kwargs) for each in self.sentinels)
        return f"<{type(self).__module__}.{type(self).__name__}(sentinels=[{','.join(places)}])>"

    def close(self) -> None:
        """Closes the clients of all sentinels, then raises the first error there was; other clients stay open."""
        self._watched.release()
        first = None
        for sentinel in self.sentinels:
            try:
                sentinel.close()
            except Exception as error:
                first = first or error
        if first:
            raise first

    def __enter__(self) -> Sentinel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def check_master_state(self, state: Mapping[str, Any], service_name: str) -> bool:
        """Whether a sentinel's word on a master is one to go by."""
        return _mirror.is_good(state, self.min_other_sentinels)

    def discover_master(self, service_name: str) -> Address:
        """The master's address.

        Raises:
            MasterNotFoundError: no sentinel names one that can be used; tells what each said.
        """
        return self._find_master(service_name, _mirror.DISCOVERY_MS)

    def _find_master(self, service_name: str, patience_ms: int) -> Address:
        if self._watched.discovery() is None:
            host, port = self._ask_in_turn(service_name)
        else:
            try:
                host, port = self._watched.master(service_name, patience_ms)
            except _finding.NotFound as failure:
                raise MasterNotFoundError(_mirror.no_master(service_name, failure)) from failure
        return (host if self._force_master_ip is None else self._force_master_ip), port

    def _ask_in_turn(self, service_name: str) -> Address:
        errors = []
        for index, sentinel in enumerate(self.sentinels):
            try:
                masters = sentinel.sentinel_masters()
            except (ConnectionError, TimeoutError) as error:
                errors.append(f"{sentinel} - {error!r}")
                continue
            state = masters.get(service_name)
            if state and self.check_master_state(state, service_name):
                self.sentinels[0], self.sentinels[index] = sentinel, self.sentinels[0]
                return state["ip"], state["port"]
        raise MasterNotFoundError(_mirror.no_master(service_name, ", ".join(errors)))

    def filter_slaves(self, slaves: Iterable[Mapping[str, Any]]) -> list[Address]:
        """The addresses of those that no sentinel calls down."""
        return [(each["ip"], each["port"]) for each in slaves if not (each["is_odown"] or each["is_sdown"])]

    def filter_replicas(self, replicas: Iterable[Mapping[str, Any]]) -> list[Address]:
        """The same as `filter_slaves`."""
        return self.filter_slaves(replicas)

    def discover_slaves(self, service_name: str) -> list[Address]:
        """The addresses of the replicas that can be read from; none when no sentinel knows any."""
        if self._watched.discovery() is not None:
            try:
                return self._watched.replicas(service_name, _mirror.DISCOVERY_MS)
            except _finding.NotFound:
                return []
        for sentinel in self.sentinels:
            try:
                replicas = self.filter_slaves(sentinel.sentinel_slaves(service_name))
            except (ConnectionError, ResponseError, TimeoutError):
                continue
            if replicas:
                return replicas
        return []

    def discover_replicas(self, service_name: str) -> list[Address]:
        """The same as `discover_slaves`."""
        return self.discover_slaves(service_name)

    def master_for(
        self,
        service_name: str,
        redis_class: Any = Redis,
        connection_pool_class: Any = SentinelConnectionPool,
        **kwargs: Any,
    ) -> Any:
        """A client for the master, wherever that is.

        Args:
            service_name: the name of the master.
            redis_class: the client's class; any other than the default talks through redis-py's own connections.
            connection_pool_class: its pool's class; the same holds.
            kwargs: how to connect, in addition to the options that this object was made with.
        """
        return self._client_for(service_name, redis_class, connection_pool_class, {**kwargs, "is_master": True})

    def slave_for(
        self,
        service_name: str,
        redis_class: Any = Redis,
        connection_pool_class: Any = SentinelConnectionPool,
        **kwargs: Any,
    ) -> Any:
        """A client for the replicas in turn, or the master in their place; the arguments are those of `master_for`."""
        return self._client_for(service_name, redis_class, connection_pool_class, {**kwargs, "is_master": False})

    def replica_for(
        self,
        service_name: str,
        redis_class: Any = Redis,
        connection_pool_class: Any = SentinelConnectionPool,
        **kwargs: Any,
    ) -> Any:
        """The same as `slave_for`."""
        return self.slave_for(
            service_name, redis_class=redis_class, connection_pool_class=connection_pool_class, **kwargs
        )

    def _client_for(self, name: str, redis_class: Any, pool_class: Any, kwargs: dict[str, Any]) -> Any:
        return redis_class.from_pool(pool_class(name, self, **{**self.connection_kwargs, **kwargs}))
