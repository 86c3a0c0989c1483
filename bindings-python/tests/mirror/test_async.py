"""The mirror of `redis.asyncio.sentinel`: what is found, and what clients live through."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any

import pytest
import redis
import redis.asyncio
import redis.asyncio.sentinel
from sentinelle.asyncio.sentinel import MasterNotFoundError, Sentinel, SentinelConnectionPool
from sentinelle.testing import HaGroup
from waiting import PATIENCE_S, until_async

NAME = "mymaster"


@pytest.fixture
async def sentinel(ha_group: HaGroup) -> AsyncIterator[Sentinel]:
    async with Sentinel(ha_group.sentinels) as made:
        yield made


@pytest.mark.parametrize("kind", [{}, {"redis_class": redis.asyncio.Redis}], ids=["native", "redis-py"])
async def test_a_client_moves_with_the_master(ha_group: HaGroup, sentinel: Sentinel, kind: dict[str, Any]) -> None:
    client = sentinel.master_for(NAME, **kind)
    await client.set("before", "1")
    await asyncio.to_thread(ha_group.wait_synced)
    old = ha_group.master()
    ha_group.kill(old)
    if kind:
        # redis-py does not try again what it has sent.
        await asyncio.to_thread(ha_group.wait_master_other_than, old)

    await client.set("after", "2")

    assert (await client.get("before"), await client.get("after")) == (b"1", b"2")
    assert await sentinel.discover_master(NAME) != ha_group.address(old)
    await client.aclose()


async def test_masters_and_replicas_are_found(ha_group: HaGroup, sentinel: Sentinel) -> None:
    assert await sentinel.discover_master(NAME) == ha_group.address(ha_group.master())
    expected = sorted(map(ha_group.address, ha_group.replicas()))

    async def all_are_found() -> bool:
        return sorted(await sentinel.discover_replicas(NAME)) == expected

    await until_async(all_are_found)
    with pytest.raises(MasterNotFoundError, match="No master found for 'shop'") as raised:
        await sentinel.discover_master("shop")
    assert isinstance(raised.value, redis.asyncio.sentinel.MasterNotFoundError)
    assert await sentinel.sentinel_ckquorum(NAME) is True
    replica = sentinel.slave_for(NAME)
    assert await replica.get("none") is None
    await replica.aclose()


async def test_dead_and_silent_sentinels_cost_nothing(ha_group: HaGroup) -> None:
    with closing(socket.create_server(("127.0.0.1", 0), backlog=1)) as silent:
        places = [("127.0.0.1", 1), silent.getsockname(), *ha_group.sentinels]
        async with Sentinel(places, socket_timeout=60) as sentinel:
            begin = time.monotonic()
            await sentinel.discover_master(NAME)
            took = time.monotonic() - begin

    # Whoever waits for the silent one needs a minute.
    assert took < PATIENCE_S


async def test_a_connection_to_a_former_master_never_comes_back(ha_group: HaGroup, sentinel: Sentinel) -> None:
    client = sentinel.master_for(NAME, redis_class=redis.asyncio.Redis)
    await client.ping()
    pool = client.connection_pool
    held = await take(pool)
    old = ha_group.master()
    ha_group.failover()
    await asyncio.to_thread(ha_group.wait_master_other_than, old)

    async def has_heard() -> bool:
        return pool.master_address != ha_group.address(old)

    # redis-py does not try again what it has sent, so the pool has to have heard.
    await until_async(has_heard)
    await client.set("k", "v")

    await pool.release(held)

    assert (held.host, held.port) == ha_group.address(old)
    assert not held.is_connected
    assert await client.get("k") == b"v"
    await client.aclose()


async def test_replaced_sentinels_are_asked_as_redis_py_asks_them() -> None:
    class Fake:
        async def sentinel_masters(self) -> Any:
            up = {"is_master": True, "is_sdown": False, "is_odown": False, "num-other-sentinels": 0}
            return {"cart": {**up, "ip": "10.0.0.1", "port": 1}}

        async def sentinel_slaves(self, name: str) -> Any:
            return [{"is_odown": False, "is_sdown": False, "ip": "10.0.0.2", "port": 2}]

        async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
            return args

    sentinel = Sentinel([("a", 1)], force_master_ip="9.9.9.9")
    sentinel.sentinels = [Fake()]
    pool = SentinelConnectionPool("cart", sentinel, is_master=False)

    assert await sentinel.discover_master("cart") == ("9.9.9.9", 1)
    assert [address async for address in _two(pool.rotate_replicas())] == [("10.0.0.2", 2), ("9.9.9.9", 1)]
    assert await sentinel.execute_command("X", once=True) is True
    assert repr(pool) == "<sentinelle.asyncio.sentinel.SentinelConnectionPool(service=cart(slave))>"


async def take(pool: Any) -> Any:
    try:
        return await pool.get_connection()
    except TypeError:
        return await pool.get_connection("_")


async def _two(addresses: AsyncIterator[Any]) -> AsyncIterator[Any]:
    for _ in range(2):
        yield await anext(addresses)
