"""The mirror of `redis.sentinel` on real groups: what is found, and what clients live through."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
import redis
from sentinelle.sentinel import MasterNotFoundError, Sentinel
from sentinelle.testing import HaGroup

NAME = "mymaster"


def classes() -> list[object]:
    return [pytest.param({}, id="native"), pytest.param({"redis_class": redis.Redis}, id="redis-py")]


def test_the_tutorials_program_runs(ha_group: HaGroup) -> None:
    sentinel = Sentinel(ha_group.sentinels, socket_timeout=0.5)

    assert sentinel.discover_master(NAME) == ha_group.address(ha_group.master())
    expected = sorted(map(ha_group.address, ha_group.replicas()))
    deadline = time.monotonic() + 15
    while sorted(sentinel.discover_slaves(NAME)) != expected:
        assert time.monotonic() < deadline
    master = sentinel.master_for(NAME, socket_timeout=0.5)
    replica = sentinel.slave_for(NAME, socket_timeout=0.5)
    assert master.set("foo", "bar")
    ha_group.wait_synced()
    assert replica.get("foo") == b"bar"


def test_servers_with_a_password_are_found_without_it(ha_group_factory: Callable[..., HaGroup]) -> None:
    group = ha_group_factory(password="123", replicas=1, sentinels=1, quorum=1)
    sentinel = Sentinel(group.sentinels, socket_timeout=0.5)

    assert sentinel.discover_master(NAME) == group.address("server-0")
    assert sentinel.discover_slaves(NAME) == [group.address("server-1")]
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

    assert client.set("after", "2")


def test_a_blocked_command_ends_when_its_master_is_replaced(ha_group: HaGroup, sentinel: Sentinel) -> None:
    client = sentinel.master_for(NAME, redis_class=redis.Redis)
    client.ping()
    ended: list[BaseException] = []

    def wait() -> None:
        try:
            client.blpop(["never"], timeout=30)
        except redis.RedisError as error:
            ended.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    old = ha_group.master()
    ha_group.isolate(old)
    ha_group.wait_master_other_than(old)
    thread.join(timeout=10)

    assert not thread.is_alive()
    assert isinstance(ended[0], redis.ConnectionError)


def test_dead_and_silent_sentinels_cost_nothing(ha_group: HaGroup, make_sentinel: Callable[..., Sentinel]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0), backlog=1)) as silent:
        dead = ("127.0.0.1", 1)
        sentinel = make_sentinel([dead, silent.getsockname(), *ha_group.sentinels])

        begin = time.monotonic()
        found = sentinel.discover_master(NAME)
        first = time.monotonic() - begin
        for _ in range(100):
            sentinel.discover_master(NAME)
        rest = time.monotonic() - begin - first

    assert found == ha_group.address(ha_group.master())
    # redis-py 8.1 needs about a minute for the first one.
    assert first < 3
    assert rest < 3


def test_connections_ask_no_sentinel(ha_group: HaGroup, sentinel: Sentinel) -> None:
    client = sentinel.master_for(NAME, redis_class=redis.Redis)
    client.ping()
    for member in ha_group.sentinel_members:
        ha_group.kill(member)

    connections = [take(client.connection_pool) for _ in range(20)]

    assert len({id(connection) for connection in connections}) == 20
    for connection in connections:
        client.connection_pool.release(connection)


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
    pubsub = client.pubsub(ignore_subscribe_messages=True)
    pubsub.subscribe("news")
    pubsub.get_message(timeout=1)
    old = ha_group.master()
    ha_group.kill(old)
    ha_group.wait_master_other_than(old)

    heard = None
    for _ in range(100):
        client.publish("news", "again")
        try:
            heard = heard or pubsub.get_message(timeout=0.1)
        except redis.ConnectionError:
            continue
        if heard:
            break

    assert heard
    assert heard["data"] == b"again"
    pubsub.close()


def test_a_master_that_comes_later_is_waited_for(ha_group: HaGroup, sentinel: Sentinel) -> None:
    old = ha_group.master()
    client = sentinel.master_for(NAME, redis_class=redis.Redis)
    ha_group.kill(old)

    assert client.set("k", "v")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", classes())
def test_a_forked_child_goes_on_with_its_parents_client(
    ha_group: HaGroup, sentinel: Sentinel, kind: dict[str, type]
) -> None:
    client = sentinel.master_for(NAME, **kind)
    client.set("k", "parent")
    child = os.fork()
    if child == 0:
        is_good = False
        try:
            is_good = client.get("k") == b"parent" and bool(client.set("c", "child"))
        finally:
            os._exit(0 if is_good else 1)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert client.get("c") == b"child"
