"""What is made before a fork: clients go on in the child, servers and groups refuse clearly, and nothing hangs."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import redis
import redis.asyncio
import sentinelle
import sentinelle.asyncio
from forking import in_child
from sentinelle import Discovery, ForkedError, SentinelServer
from sentinelle.asyncio.sentinel import Sentinel as AsyncSentinel
from sentinelle.sentinel import Sentinel
from sentinelle.testing import HaGroup

NAME = "mymaster"

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
    # Python warns of forks beside threads, which is what these tests are about.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.mark.parametrize("kind", [{}, {"redis_class": redis.Redis}], ids=["native", "redis-py"])
def test_a_client_goes_on_in_the_child_and_in_the_parent(ha_group: HaGroup, kind: dict[str, Any]) -> None:
    with Sentinel(ha_group.sentinels) as sentinel:
        client = sentinel.master_for(NAME, **kind)
        client.set("k", "parent")

        def work() -> None:
            assert client.get("k") == b"parent"
            assert client.pipeline().set("c", "child").get("c").execute() == [True, b"child"]
            assert sentinel.discover_master(NAME) == master

        master = ha_group.address(ha_group.master())
        in_child(work)

        assert client.get("c") == b"child"
        assert client.set("k", "again")


@pytest.mark.parametrize("kind", [{}, {"redis_class": redis.asyncio.Redis}], ids=["native", "redis-py"])
def test_an_asyncio_client_goes_on_in_the_child(ha_group: HaGroup, kind: dict[str, Any]) -> None:
    sentinel = AsyncSentinel(ha_group.sentinels)
    client = sentinel.master_for(NAME, **kind)

    async def use(value: str) -> Any:
        await client.set("k", value)
        got = await client.get("k")
        if kind:
            await client.connection_pool.disconnect()
        return got

    assert asyncio.run(use("parent")) == b"parent"

    def work() -> None:
        assert asyncio.run(use("child")) == b"child"

    in_child(work)
    assert asyncio.run(use("again")) == b"again"
    asyncio.run(client.aclose())


def test_children_of_busy_threads_go_on(ha_group: HaGroup) -> None:
    client = sentinelle.from_url(ha_group.url)
    client.set("k", "v")
    is_over = threading.Event()

    def work() -> None:
        while not is_over.is_set():
            client.get("k")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            in_child(lambda: client.set("c", client.get("k")))
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def test_a_discovery_goes_on_in_the_child(ha_group: HaGroup) -> None:
    with Discovery(ha_group.sentinels) as discovery:
        master = discovery.master(NAME)

        def work() -> None:
            assert discovery.master(NAME) == master
            picture = discovery.watch(NAME).next(timeout=10)
            assert picture is not None

        in_child(work)
        assert discovery.master(NAME) == master


def test_a_server_refuses_its_parents_child() -> None:
    with SentinelServer(masters={}, listen="127.0.0.1:0") as server:
        events = server.events()

        def work() -> None:
            for use in (server.status, lambda: events.next(0), lambda: server.command("PING")):
                with pytest.raises(ForkedError, match="fork"):
                    use()

        in_child(work)
        assert server.command("PING") == b"PONG"


def test_a_group_refuses_its_parents_child_which_starts_its_own(ha_group: HaGroup) -> None:
    def work() -> None:
        with pytest.raises(ForkedError, match="fork"):
            ha_group.master()
        # Its processes stay: they are the parent's.
        ha_group.stop()
        with HaGroup(replicas=0, sentinels=1, quorum=1) as own:
            assert own.command("server-0", "PING") == b"PONG"

    in_child(work)
    assert ha_group.command(ha_group.master(), "PING") == b"PONG"


def test_a_child_that_is_forked_while_threads_start_can_start_its_own() -> None:
    def work() -> None:
        with SentinelServer(masters={}, listen="127.0.0.1:0") as own:
            assert own.id

    for _ in range(10):
        with SentinelServer(masters={}, listen="127.0.0.1:0"):
            in_child(work)


_CLIENT: Any = None


def _increment(_: int) -> int:
    return int(_CLIENT.incr("counter"))


@pytest.fixture
def shared_client(ha_group: HaGroup) -> Iterator[Any]:
    global _CLIENT
    _CLIENT = sentinelle.from_url(ha_group.url)
    yield _CLIENT
    _CLIENT.close()
    _CLIENT = None


def test_workers_of_multiprocessing_use_their_parents_client(shared_client: Any) -> None:
    shared_client.set("counter", 0)

    with multiprocessing.get_context("fork").Pool(3) as pool:
        numbers = pool.map(_increment, range(30), chunksize=1)

    assert sorted(numbers) == list(range(1, 31))
    assert shared_client.get("counter") == b"30"
