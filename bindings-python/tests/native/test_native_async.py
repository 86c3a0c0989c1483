"""The native asyncio client: replies, cancellation, several loops, and one wake-up for many."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
import redis
import redis.asyncio
import sentinelle.asyncio
from sentinelle.asyncio.sentinel import Sentinel
from sentinelle.testing import HaGroup
from waiting import PATIENCE_S

NAME = "mymaster"


async def test_replies_are_redis_pys(ha_group: HaGroup) -> None:
    async def run(client: Any) -> list[str]:
        await client.flushdb()
        replies = [
            await client.set("a", 1),
            await client.incr("a"),
            await client.hset("h", mapping={"f": 1.5}),
            await client.hgetall("h"),
            await client.zadd("z", {"m": 1}),
            await client.zrange("z", 0, -1, withscores=True),
            await client.config_get("maxmemory"),
            await client.blpop(["none"], 0.01),
            await client.eval("return {1, {2}}", 0),
            await client.dump("none"),
        ]
        async with client.pipeline() as pipe:
            replies += await pipe.set("b", 1).get("b").lpush("b", 1).execute(raise_on_error=False)
        async with client.pipeline(transaction=False) as pipe:
            replies += await pipe.set("b", 1).hgetall("h").execute()
        return [repr(reply) for reply in replies]

    async with Sentinel(ha_group.sentinels) as sentinel:
        host, port = ha_group.address(ha_group.master())
        ours, theirs = sentinel.master_for(NAME), redis.asyncio.Redis(host=host, port=port)
        assert ours.native
        assert await run(ours) == await run(theirs)
        await ours.aclose()
        await theirs.aclose()


async def test_refusals_are_raised(ha_group: HaGroup) -> None:
    client = sentinelle.asyncio.from_url(ha_group.url)
    await client.set("k", "v")

    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        await client.lpush("k", 1)
    with pytest.raises(redis.DataError):
        await client.set("k", None)
    with pytest.raises(redis.ResponseError, match="Command # 2"):
        await client.pipeline().get("k").lpush("k", 1).execute()
    await client.aclose()


async def test_a_cancelled_command_leaves_the_others_their_replies(ha_group: HaGroup) -> None:
    client = sentinelle.asyncio.from_url(ha_group.url)
    await client.set("n", 0)
    for turn in range(50):
        waiting = [asyncio.ensure_future(client.get("n")) for _ in range(10)]
        await asyncio.sleep(0)
        for task in waiting[::2]:
            task.cancel()
        answers = await asyncio.gather(*waiting[1::2])
        assert answers == [str(turn).encode()] * 5
        await client.incr("n")
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(client.blpop(["never"], 5), 0.05)

    assert await client.get("n") == b"50"
    await client.aclose()


async def test_a_thousand_commands_at_once(ha_group: HaGroup) -> None:
    client = sentinelle.asyncio.from_url(ha_group.url)

    await asyncio.gather(*(client.set(f"k{index}", index) for index in range(1000)))

    assert await asyncio.gather(*(client.get(f"k{index}") for index in range(1000))) == [
        str(index).encode() for index in range(1000)
    ]
    await client.aclose()


def test_several_loops_use_one_client(ha_group: HaGroup) -> None:
    client = sentinelle.asyncio.from_url(ha_group.url)
    seen: list[Any] = []

    async def use(name: str) -> None:
        for index in range(20):
            await client.set(name, index)
        seen.append(await client.get(name))

    threads = [threading.Thread(target=lambda name=name: asyncio.run(use(name))) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == [b"19"] * 4
    asyncio.run(client.aclose())


async def test_what_needs_its_own_connection_has_one(ha_group: HaGroup) -> None:
    client = sentinelle.asyncio.from_url(ha_group.url)
    async with client.pipeline() as pipe:
        await pipe.watch("w")
        pipe.multi()
        await client.set("w", "changed")
        pipe.set("w", "mine")
        with pytest.raises(redis.WatchError):
            await pipe.execute()
    async with client.pubsub() as pubsub:
        await pubsub.subscribe("news")
        # What is published before the server has confirmed is not for us, and the two go over different connections.
        confirmation = await pubsub.get_message(timeout=PATIENCE_S)
        await client.publish("news", "hi")
        message = await pubsub.get_message(timeout=PATIENCE_S)
    async with client.lock("lock", timeout=60) as lock:
        assert await lock.owned()

    assert confirmation["type"] == "subscribe"
    assert message["data"] == b"hi"
    await client.aclose()


async def test_a_failover_fails_no_command(ha_group: HaGroup) -> None:
    client = sentinelle.asyncio.from_url(ha_group.url)
    await client.set("k", 0)
    old = ha_group.master()
    is_over = asyncio.Event()

    written = [0] * 4

    async def work(index: int) -> None:
        while not is_over.is_set():
            await client.set(f"w{index}", written[index])
            written[index] += 1
            await asyncio.sleep(0.01)

    async def all_have_gone_on() -> None:
        before = list(written)
        while any(now <= then for now, then in zip(written, before, strict=True)):
            await asyncio.sleep(0.01)

    tasks = [asyncio.ensure_future(work(index)) for index in range(4)]
    await asyncio.to_thread(ha_group.kill, old)
    await asyncio.to_thread(ha_group.wait_master_other_than, old)
    await asyncio.wait_for(all_have_gone_on(), PATIENCE_S)
    is_over.set()

    await asyncio.gather(*tasks)
    await client.aclose()
