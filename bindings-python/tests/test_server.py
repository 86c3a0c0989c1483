"""A sentinel inside the process: started in every way, watched, commanded, interrupted, forked."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading

import pytest
import sentinelle
from forking import in_child
from sentinelle import ConfigError, ForkedError, Monitored, SentinelleError, SentinelServer, StoppedError
from sentinelle.testing import HaGroup
from waiting import PATIENCE_S

FREE = {"listen": "127.0.0.1:0"}
NOWHERE = ("127.0.0.1", 1, 2)


def ask(address: tuple[str, int], *words: str) -> bytes:
    with socket.create_connection(address, timeout=PATIENCE_S) as connection:
        text = "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
        connection.sendall(f"*{len(words)}\r\n{text}".encode())
        return connection.recv(65536)


def test_it_answers_as_a_sentinel_does_until_the_with_ends() -> None:
    with SentinelServer(masters={"cart": NOWHERE}, **FREE) as server:
        address = server.address
        answer = ask(address, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "cart")

    assert answer == b"*2\r\n$9\r\n127.0.0.1\r\n$1\r\n1\r\n"
    with pytest.raises(OSError, match="refused"):
        ask(address, "PING")


async def test_it_lives_inside_an_async_with_too() -> None:
    async with SentinelServer(masters={"cart": NOWHERE}, **FREE) as server:
        assert ask(server.address, "PING") == b"+PONG\r\n"


def test_a_configuration_file_starts_it_and_keeps_its_state(tmp_path: os.PathLike[str]) -> None:
    path = os.path.join(tmp_path, "sentinel.conf")
    with open(path, "w") as file:
        file.write("port 0\nsentinel monitor cart 127.0.0.1 1 2\n")

    with SentinelServer(config=path, **FREE) as server:
        identity = server.id

    with open(path) as file:
        assert f"sentinel myid {identity}" in file.read()


def test_the_text_of_a_configuration_file_starts_it() -> None:
    with SentinelServer(config_text="sentinel monitor cart 127.0.0.1 1 2", **FREE) as server:
        assert list(server.status().masters) == ["cart"]


def test_what_cannot_be_used_is_named() -> None:
    with pytest.raises(ConfigError, match='unknown option: "holdmax"'):
        SentinelServer(masters={}, holdmax=1).start()
    with pytest.raises(ConfigError, match="line 1"):
        SentinelServer(config_text="moon 1").start()
    with pytest.raises(TypeError):
        SentinelServer()


def test_an_address_in_use_is_told() -> None:
    with SentinelServer(masters={}, **FREE) as first, pytest.raises(SentinelleError) as refused:
        SentinelServer(masters={}, listen="{}:{}".format(*first.address)).start()

    assert refused.value.kind == "listen"


def test_a_failover_is_told_by_events_and_status(ha_group_factory) -> None:
    group: HaGroup = ha_group_factory(replicas=1, sentinels=0)
    host, port = group.address("server-0")

    with SentinelServer(masters={"cart": (host, port, 1)}, down_after_ms=200, **FREE) as server:
        events = server.events()
        assert next(event for event in events if event.name == "+slave").master == "cart"
        group.kill("server-0")
        switch = next(event for event in events if event.name == "+switch-master")
        status = server.status().masters["cart"]

    assert status.address == group.address("server-1")
    assert switch.text.endswith(str(status.address[1]))
    assert switch.at_ms > 1_600_000_000_000


async def test_events_are_awaited_without_blocking_the_loop() -> None:
    async with SentinelServer(masters={}, **FREE) as server:
        events = server.events()
        nothing = await events.next_async(timeout=0.01)
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)

        server.monitor("shop", Monitored("127.0.0.1", 2, 1, {"down_after_ms": 100}))
        event = await asyncio.wait_for(waiting, PATIENCE_S)

    assert nothing is None
    assert (event.name, event.master) == ("+monitor", "shop")


async def test_a_stream_ends_with_its_sentinel() -> None:
    async with SentinelServer(masters={}, **FREE) as server:
        events = server.events()

    assert [event async for event in events] == []


def test_options_of_a_master_are_changed_while_it_runs() -> None:
    with SentinelServer(masters={"cart": NOWHERE}, **FREE) as server:
        server.set("cart", quorum=3, down_after_ms=777)

        state = server.command("SENTINEL", "MASTER", "cart")
        assert server.status().masters["cart"].quorum == 3
        assert state[b"down-after-milliseconds"] == b"777"


def test_a_refusal_is_raised_with_its_words() -> None:
    with SentinelServer(masters={"cart": NOWHERE}, **FREE) as server:
        with pytest.raises(SentinelleError, match="NOGOODSLAVE") as refused:
            server.failover("cart")
        with pytest.raises(SentinelleError, match="NOQUORUM"):
            server.check_quorum("cart")
        with pytest.raises(SentinelleError, match="No such master"):
            server.remove("shop")

    assert refused.value.kind == "quorum"


def test_it_can_be_stopped_twice_and_started_again() -> None:
    server = SentinelServer(masters={}, **FREE)
    for _ in range(2):
        server.start()
        server.stop()
        server.stop()

    with pytest.raises(StoppedError):
        server.status()


def test_a_signal_handler_runs_while_events_are_waited_for() -> None:
    class Alarm(Exception):
        pass

    def ring(*_: object) -> None:
        raise Alarm

    before = signal.signal(signal.SIGALRM, ring)
    try:
        with SentinelServer(masters={}, **FREE) as server:
            events = server.events()
            # Inside, because it may ring before the wait has begun.
            with pytest.raises(Alarm):  # noqa: PT012
                signal.setitimer(signal.ITIMER_REAL, 0.05)
                events.next()
    finally:
        signal.signal(signal.SIGALRM, before)


def test_threads_share_one_sentinel() -> None:
    with SentinelServer(masters={"cart": NOWHERE}, **FREE) as server:
        seen: list[str] = []
        threads = [threading.Thread(target=lambda: seen.append(server.status().id)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert seen == [server.id] * 8


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_is_refused_and_starts_its_own() -> None:
    with SentinelServer(masters={}, **FREE) as server:

        def work() -> None:
            with pytest.raises(ForkedError):
                server.status()
            with SentinelServer(masters={}, **FREE) as own:
                assert ask(own.address, "PING") == b"+PONG\r\n"

        in_child(work)
        assert ask(server.address, "PING") == b"+PONG\r\n"


def _start_one() -> bool:
    with SentinelServer(masters={}, **FREE) as server:
        return ask(server.address, "PING") == b"+PONG\r\n"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_of_multiprocessing_start_their_own(method: str) -> None:
    with SentinelServer(masters={}, **FREE), multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.starmap(_start_one, [()] * 2) == [True, True]


def test_a_program_that_forgets_it_ends_at_once() -> None:
    program = (
        "from sentinelle import SentinelServer\n"
        "s = SentinelServer(masters={}, listen='127.0.0.1:0').start()\n"
        "e = s.events()\n"
        "print('ready')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "ready\n", "")


def test_every_option_of_the_table_has_a_meaning_and_a_text() -> None:
    table = sentinelle.options()

    assert {"sentinels", "down_after_ms", "replicas"} <= {row["key"] for row in table}
    assert all(row["text"] and row["scopes"] for row in table)
