"""The mirror of `redis.sentinel` on real groups: what is found, and what clients live through."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from typing import Any

import pytest
import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from sentinelle.sentinel import MasterNotFoundError, Sentinel
from sentinelle.testing import HaGroup
from waiting import PATIENCE_S, until

NAME = "mymaster"


def classes() -> list[object]:
    return [pytest.param({}, id="native"), pytest.param({"redis_class": redis.Redis}, id="redis-py")]


def test_masters_and_replicas_are_found(ha_group: HaGroup, sentinel: Sentinel) -> None:
    replicas = sorted(map(ha_group.address, ha_group.replicas()))

    assert sentinel.discover_master(NAME) == ha_group.address(ha_group.master())
    until(lambda: sorted(sentinel.discover_slaves(NAME)) == replicas)
    assert sorted(sentinel.discover_replicas(NAME)) == replicas
    sentinel.master_for(NAME).set("foo", "bar")
    ha_group.wait_synced()
    assert sentinel.slave_for(NAME).get("foo") == b"bar"


def test_servers_with_a_password_are_found_without_it(ha_group_factory: Callable[..., HaGroup]) -> None:
    group = ha_group_factory(password="123", replicas=1, sentinels=1, quorum=1)
    sentinel = Sentinel(group.sentinels, socket_timeout=5)

    until(lambda: sentinel.discover_slaves(NAME) == [group.address("server-1")])
    assert sentinel.discover_master(NAME) == group.address("server-0")
    assert Sentinel(group.sentinels).discover_master(NAME) == group.address("server-0")
    assert sentinel.master_for(NAME, password="123").set("foo", "bar")
    assert sentinel.master_for(NAME, redis_class=redis.Redis, password="123").get("foo") == b"bar"
    with pytest.raises(redis.AuthenticationError):
        sentinel.master_for(NAME, redis_class=redis.Redis, password="wrong").ping()


@pytest.mark.parametrize("kind", classes())
def test_a_client_moves_with_the_master(ha_group: HaGroup, sentinel: Sentinel, kind: dict[str, type]) -> None:
    client = sentinel.master_for(NAME, **kind)
    client.set("before", "1")
    ha_group.wait_synced()
    old = ha_group.master()
    ha_group.kill(old)
    if kind:
        # redis-py does not try again what it has sent.
        ha_group.wait_master_other_than(old)

    client.set("after", "2")

    assert (client.get("before"), client.get("after")) == (b"1", b"2")
    assert sentinel.discover_master(NAME) != ha_group.address(old)


@pytest.mark.parametrize("kind", classes())
def test_a_client_leaves_a_master_that_was_demoted(
    ha_group: HaGroup, sentinel: Sentinel, kind: dict[str, type]
) -> None:
    client = sentinel.master_for(NAME, **kind)
    client.set("before", "1")
    old = ha_group.master()
    ha_group.failover()
    ha_group.wait_master_other_than(old)
    ha_group.wait_role(old, "slave")
    if kind:
        # redis-py does not try again what it has sent, so the pool has to have heard.
        until(lambda: client.connection_pool.master_address not in (None, ha_group.address(old)))

    assert client.set("after", "2")


def test_a_blocked_command_ends_when_its_master_is_replaced(ha_group: HaGroup, sentinel: Sentinel) -> None:
    end_when_replaced(ha_group, sentinel)


def test_so_it_does_where_the_sentinels_client_knows_no_password(ha_group_factory: Callable[..., HaGroup]) -> None:
    group = ha_group_factory(password="123", replicas=1)
    with Sentinel(group.sentinels) as sentinel:
        end_when_replaced(group, sentinel, password="123")


def end_when_replaced(ha_group: HaGroup, sentinel: Sentinel, **kwargs: str) -> None:
    client = sentinel.master_for(NAME, redis_class=redis.Redis, socket_timeout=PATIENCE_S, **kwargs)
    client.ping()
    old = ha_group.master()
    ended: list[BaseException] = []

    def wait() -> None:
        try:
            client.blpop(["never"], timeout=0)
        except redis.RedisError as error:
            ended.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    until(lambda: b"blocked_clients:1" in ha_group.command(old, "INFO", "clients"))
    ha_group.isolate(old)
    ha_group.wait_master_other_than(old)
    thread.join(timeout=PATIENCE_S)

    assert not thread.is_alive()
    assert isinstance(ended[0], redis.ConnectionError)


def test_dead_and_silent_sentinels_cost_nothing(ha_group: HaGroup, make_sentinel: Callable[..., Sentinel]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0), backlog=1)) as silent:
        dead = ("127.0.0.1", 1)
        sentinel = make_sentinel([dead, silent.getsockname(), *ha_group.sentinels], socket_timeout=60)

        begin = time.monotonic()
        found = sentinel.discover_master(NAME)
        for _ in range(100):
            sentinel.discover_master(NAME)
        took = time.monotonic() - begin

    assert found == ha_group.address(ha_group.master())
    # Whoever waits for the silent one even once needs a minute.
    assert took < PATIENCE_S


def test_connections_ask_no_sentinel(ha_group: HaGroup, sentinel: Sentinel) -> None:
    client = sentinel.master_for(NAME, redis_class=redis.Redis)
    client.ping()
    for member in ha_group.sentinel_members:
        ha_group.kill(member)

    connections = [take(client.connection_pool) for _ in range(20)]

    assert len({id(connection) for connection in connections}) == 20
    for connection in connections:
        client.connection_pool.release(connection)


def test_native_connections_ask_no_sentinel(ha_group: HaGroup, sentinel: Sentinel) -> None:
    client = sentinel.master_for(NAME)
    client.ping()
    master = ha_group.master()
    for member in ha_group.sentinel_members:
        ha_group.kill(member)

    # Each has a connection to itself while it waits.
    with ThreadPoolExecutor(20) as threads:
        waiting = [threads.submit(client.blpop, ["jobs"], 0) for _ in range(20)]
        until(lambda: b"blocked_clients:20" in ha_group.command(master, "INFO", "clients"))
        client.rpush("jobs", *range(20))
        got = sorted(int(job.result(PATIENCE_S)[1]) for job in waiting)

    assert client.native
    assert got == list(range(20))


def test_a_command_in_flight_moves_to_the_new_master(ha_group: HaGroup, sentinel: Sentinel) -> None:
    # redis-py itself tries the old address again until its retries are used up.
    again = {"retry": Retry(ConstantBackoff(0.05), 100), "retry_on_error": [redis.ConnectionError, redis.TimeoutError]}
    client = sentinel.master_for(NAME, redis_class=redis.Redis, socket_timeout=PATIENCE_S, **again)
    client.ping()
    old = ha_group.master()
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(client.blpop, ["jobs"], 0)
        until(lambda: b"blocked_clients:1" in ha_group.command(old, "INFO", "clients"))
        ha_group.isolate(old)
        new = ha_group.wait_master_other_than(old)
        until(lambda: b"blocked_clients:1" in ha_group.command(new, "INFO", "clients"))
        assert ha_group.command(new, "RPUSH", "jobs", "it") == 1

        assert waiting.result(PATIENCE_S) == (b"jobs", b"it")


def test_a_connection_to_a_former_master_never_comes_back(ha_group: HaGroup, sentinel: Sentinel) -> None:
    client = sentinel.master_for(NAME, redis_class=redis.Redis)
    client.ping()
    pool = client.connection_pool
    held = take(pool)
    old = ha_group.master()
    ha_group.failover()
    ha_group.wait_master_other_than(old)
    until(lambda: pool.master_address != ha_group.address(old))

    pool.release(held)

    assert (held.host, held.port) == ha_group.address(old)
    assert held._sock is None or held not in pool._available_connections
    assert client.set("k", "v")


def test_what_is_not_there_is_told_with_every_sentinels_word(ha_group: HaGroup, sentinel: Sentinel) -> None:
    with pytest.raises(MasterNotFoundError, match="No master found for 'shop'"):
        sentinel.discover_master("shop")
    with pytest.raises(MasterNotFoundError, match=r"127\.0\.0\.1:1"):
        Sentinel([("127.0.0.1", 1)]).discover_master(NAME)
    assert sentinel.discover_slaves("shop") == []


def test_the_sentinels_commands_tell_the_truth(ha_group: HaGroup, sentinel: Sentinel) -> None:
    assert sentinel.sentinel_ckquorum(NAME) is True
    assert sentinel.sentinel_reset("no*such") is False
    assert sentinel.sentinels[0].sentinel_ckquorum(NAME) is True
    assert sentinel.sentinels[0].sentinel_masters()[NAME]["is_master"]
    with pytest.raises(redis.ResponseError):
        sentinel.sentinel_ckquorum("shop")


def test_an_interrupted_read_spoils_no_later_reply(ha_group: HaGroup, sentinel: Sentinel) -> None:
    class Interruption(BaseException):
        pass

    client = sentinel.master_for(NAME, redis_class=redis.Redis)
    client.set("a", "1")
    connection = take(client.connection_pool)
    connection.send_command("GET", "a")
    parser, connection._parser = connection._parser, _Interrupting(Interruption)
    with pytest.raises(Interruption):
        connection.read_response()
    assert connection._sock is None
    connection._parser = parser
    client.connection_pool.release(connection)

    assert client.set("b", "2")
    assert client.get("b") == b"2"


def take(pool: Any) -> Any:
    try:
        return pool.get_connection()
    except TypeError:
        return pool.get_connection("_")


class _Interrupting:
    def __init__(self, error: type[BaseException]) -> None:
        self._error = error

    def read_response(self, **_: object) -> None:
        raise self._error

    def on_disconnect(self) -> None:
        pass


def test_a_pubsub_hears_again_after_a_failover(ha_group: HaGroup, sentinel: Sentinel) -> None:
    client = sentinel.master_for(NAME)
    pubsub = client.pubsub()
    pubsub.subscribe("news")
    assert pubsub.get_message(timeout=PATIENCE_S)["type"] == "subscribe"
    old = ha_group.master()
    ha_group.kill(old)
    ha_group.wait_master_other_than(old)
    heard: list[Any] = []

    def hears() -> bool:
        # What is published in the gap is lost, and each side may learn of the loss once.
        with suppress(redis.ConnectionError):
            client.publish("news", "again")
            heard.append(pubsub.get_message(timeout=0.1))
        return any(message and message["type"] == "message" for message in heard)

    until(hears)
    assert heard[-1]["data"] == b"again"
    pubsub.close()


def test_a_master_that_comes_later_is_waited_for(ha_group: HaGroup, sentinel: Sentinel) -> None:
    old = ha_group.master()
    client = sentinel.master_for(NAME, redis_class=redis.Redis)
    ha_group.kill(old)

    assert client.set("k", "v")
