"""The native client gives what redis-py gives: the same calls on both, on the same server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
import sentinelle
from sentinelle.sentinel import Sentinel
from sentinelle.testing import HaGroup
from waiting import PATIENCE_S, until

NAME = "mymaster"
Calls = Callable[[Any], list[Any]]

SHAPES = [
    {},
    {"decode_responses": True},
    {"protocol": 2},
    {"protocol": 3},
    {"protocol": 3, "decode_responses": True},
    {"encoding": "latin-1", "decode_responses": True},
    *([{"legacy_responses": False}] if int(redis.__version__.split(".")[0]) >= 8 else []),
]

CALLS: dict[str, Calls] = {
    "strings": lambda r: [
        r.set("s", "v"), r.get("s"), r.get("none"), r.append("s", b"\x01"), r.strlen("s"), r.getrange("s", 0, 0),
        r.set("s", 1, nx=True), r.set("n", 1, ex=100, get=True), r.incrbyfloat("f", 1.5), r.mget("s", "none"),
        r.ttl("n"), r.expire("s", 10), r.persist("s"), r.exists("s", "n"), r.type("s"),
        r.set("bytes", bytearray(b"x")), r.getdel("bytes"),
    ],
    "hashes": lambda r: [
        r.hset("h", mapping={"a": 1, "b": 2.5}), r.hgetall("h"), r.hgetall("none"), r.hmget("h", "a", "x"),
        r.hincrbyfloat("h", "b", 0.25), r.hkeys("h"), r.hexists("h", "a"), r.hscan("h"), r.hdel("h", "a", "b"),
    ],
    "lists": lambda r: [
        r.rpush("l", 1, 2, 3), r.lrange("l", 0, -1), r.lpop("l"), r.lpop("l", 2), r.blpop(["l"], 0.01),
    ],
    "sets": lambda r: [
        r.sadd("set", "a", "b"), r.smembers("set"), r.sismember("set", "a"), r.smismember("set", ["a", "z"]),
        r.sinter("set", "set"), r.srandmember("none"), r.spop("none"),
    ],
    "sorted sets": lambda r: [
        r.zadd("z", {"a": 1, "b": 2.5}), r.zscore("z", "b"), r.zrange("z", 0, -1),
        r.zrange("z", 0, -1, withscores=True),
        r.zrangebyscore("z", "-inf", "+inf", withscores=True), r.zincrby("z", 1, "a"), r.zpopmin("z"),
        r.zmscore("z", ["b", "none"]), r.zrank("z", "b"), r.zadd("z", {"b": 1}, incr=True), r.zscan("z"),
    ],
    "streams": lambda r: [
        r.xadd("x", {"f": "v"}, id="1-1"), r.xrange("x"), r.xread({"x": "0"}), r.xlen("x"),
        r.xgroup_create("x", "g", id="0"), r.xreadgroup("g", "c", {"x": ">"}), r.xpending("x", "g"),
        r.xinfo_stream("x"), r.xack("x", "g", "1-1"), r.xread({"x": "$"}),
    ],
    "geo": lambda r: [
        r.geoadd("geo", (13.361389, 38.115556, "p")), r.geopos("geo", "p", "none"), r.geodist("geo", "p", "p"),
        r.geohash("geo", "p"), r.geosearch("geo", longitude=13, latitude=38, radius=100, unit="km", withdist=True),
    ],
    "scripts": lambda r: [
        r.eval("return {1, 'a', {2}, false}", 0), r.eval("return redis.status_reply('OK')", 0),
        r.register_script("return {KEYS[1], ARGV[1]}")(keys=["k"], args=[1]), r.script_exists("0" * 40),
    ],
    "the server": lambda r: [
        r.ping(), r.echo("hi"), r.dbsize(), r.config_get("maxmemory"), r.keys("no*"), r.scan(match="no*"),
        sorted(r.info("keyspace")), r.object("encoding", "s"), r.lastsave() is not None, r.flushdb(),
        r.dump("none"), r.command_count() > 100, r.client_getname(), r.acl_whoami(), r.time()[0] > 0,
        r.memory_usage("none"), r.slowlog_len() >= 0, r.execute_command("CONFIG GET", "save") is not None,
    ],
    "bits": lambda r: [
        r.setbit("b", 7, 1), r.getbit("b", 7), r.bitcount("b"), r.pfadd("p", 1), r.pfcount("p"),
        r.bitfield("b").set("u8", 0, 255).get("u8", 0).execute(),
    ],
}  # fmt: skip


@pytest.fixture
def pair(ha_group: HaGroup, request: pytest.FixtureRequest) -> Iterator[tuple[Any, redis.Redis]]:
    shape = getattr(request, "param", {})
    with Sentinel(ha_group.sentinels) as sentinel:
        host, port = ha_group.address(ha_group.master())
        ours, theirs = sentinel.master_for(NAME, **shape), redis.Redis(host, port, **shape)
        assert ours.native
        yield ours, theirs
        ours.close()
        theirs.close()


@pytest.mark.parametrize("pair", SHAPES, indirect=True, ids=str)
@pytest.mark.parametrize("name", CALLS)
def test_every_reply_is_redis_pys(pair: tuple[Any, Any], name: str) -> None:
    ours, theirs = pair
    theirs.flushdb()
    expected = CALLS[name](theirs)
    theirs.flushdb()

    given = CALLS[name](ours)

    assert [repr(value) for value in given] == [repr(value) for value in expected]


@pytest.mark.parametrize("transaction", [True, False])
def test_a_pipeline_gives_what_redis_pys_gives(pair: tuple[Any, Any], transaction: bool) -> None:
    def run(client: Any) -> list[Any]:
        client.flushdb()
        with client.pipeline(transaction=transaction) as pipe:
            pipe.set("a", 1).incr("a").get("a").hset("h", "f", 1).hgetall("h").zadd("z", {"m": 1.5})
            pipe.zrange("z", 0, -1, withscores=True).lpush("a", "wrong type").get("none")
            replies = pipe.execute(raise_on_error=False)
            return [*map(repr, replies), len(pipe), client.pipeline().execute()]

    ours, theirs = pair
    assert run(ours) == run(theirs)


@pytest.mark.parametrize("transaction", [True, False])
def test_a_refusal_in_a_pipeline_is_annotated(pair: tuple[Any, Any], transaction: bool) -> None:
    def run(client: Any) -> str:
        client.set("a", 1)
        with client.pipeline(transaction=transaction) as pipe, pytest.raises(redis.ResponseError) as raised:
            pipe.set("b", 1).lpush("a", 1).execute()
        return str(raised.value)

    ours, theirs = pair
    assert run(ours) == run(theirs)


def test_a_transaction_that_cannot_be_queued_runs_nothing(pair: tuple[Any, Any]) -> None:
    for client in pair:
        with client.pipeline() as pipe, pytest.raises(redis.ResponseError):
            pipe.set("q", 1).execute_command("NO.SUCH.COMMAND").execute()
        assert client.get("q") is None


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda r: r.lpush("str", 1), redis.ResponseError),
        (lambda r: r.evalsha("0" * 40, 0), redis.exceptions.NoScriptError),
        (lambda r: r.execute_command("NO.SUCH.COMMAND"), redis.ResponseError),
        (lambda r: r.set("k", True), redis.DataError),
        (lambda r: r.set("k", None), redis.DataError),
        (lambda r: r.set("k", object()), redis.DataError),
    ],
)
def test_a_refusal_is_raised_as_redis_py_raises_it(pair: tuple[Any, Any], call: Any, error: type[Exception]) -> None:
    ours, theirs = pair
    theirs.set("str", "v")
    raised = []
    for client in (ours, theirs):
        with pytest.raises(error) as caught:
            call(client)
        # hiredis has words of its own for values that cannot be sent.
        raised.append((type(caught.value), error is redis.DataError or str(caught.value)))

    assert raised[0] == raised[1]


def test_what_needs_its_own_connection_has_one(pair: tuple[Any, Any]) -> None:
    ours, theirs = pair

    with ours.pipeline() as pipe:
        pipe.watch("w")
        pipe.multi()
        theirs.set("w", "changed")
        pipe.set("w", "mine")
        with pytest.raises(redis.WatchError):
            pipe.execute()
    assert ours.transaction(lambda pipe: (pipe.multi(), pipe.incr("counter")), "counter") == [1]
    with ours.lock("lock", timeout=60) as lock:
        assert lock.owned()
    with ours.client() as one:
        assert one.client_setname("me")
        assert one.client_getname() in (b"me", "me")
    with ours.monitor() as monitor:
        theirs.get("seen")
        commands = (monitor.next_command()["command"] for _ in range(1000))
        assert any(command == "GET seen" for command in commands)
    pubsub = ours.pubsub()
    pubsub.subscribe("news")
    # What is published before the server has confirmed is not for us, and the two go over different connections.
    assert pubsub.get_message(timeout=PATIENCE_S)["type"] == "subscribe"
    ours.publish("news", "hi")
    assert pubsub.get_message(timeout=PATIENCE_S)["data"] == b"hi"
    pubsub.close()


@pytest.mark.parametrize(
    "kwargs",
    [
        {"redis_connect_func": lambda connection: connection.on_connect()},
        {"retry": redis.retry.Retry(redis.backoff.NoBackoff(), 1)},
        {"socket_keepalive_options": {}},
        {"redis_class": redis.Redis},
        {"connection_class": sentinelle.sentinel.SentinelManagedConnection},
    ],
)
def test_a_keyword_that_is_not_served_natively_is_served_by_redis_py(ha_group: HaGroup, kwargs: dict[str, Any]) -> None:
    with Sentinel(ha_group.sentinels) as sentinel:
        client = sentinel.master_for(NAME, **kwargs)

        assert getattr(client, "native", False) is False
        assert client.set("k", "v")


def test_a_url_is_enough(ha_group: HaGroup) -> None:
    client = sentinelle.from_url(ha_group.url + "/1?decode_responses=yes&socket_timeout=5")
    client.set("k", "v")
    replica = sentinelle.Redis.from_url(ha_group.url + "/1", role="replica")
    ha_group.wait_synced()

    assert (client.native, client.get("k"), client.connection_pool.connection_kwargs["db"]) == (True, "v", 1)
    assert replica.get("k") == b"v"
    for url in ("redis+sentinel://127.0.0.1:1", "http://127.0.0.1/x", "redis+sentinel:///x"):
        with pytest.raises(ValueError, match="URL"):
            sentinelle.from_url(url)


def test_a_client_for_replicas_reads_and_does_not_write(ha_group: HaGroup) -> None:
    with Sentinel(ha_group.sentinels) as sentinel:
        sentinel.master_for(NAME).set("k", "v")
        ha_group.wait_synced()
        # Where no replica is known yet, the master answers in its place.
        until(lambda: len(sentinel.discover_slaves(NAME)) == len(ha_group.replicas()))
        replica = sentinel.slave_for(NAME)

        assert replica.get("k") == b"v"
        with pytest.raises(redis.exceptions.ReadOnlyError):
            replica.set("k", "w")
