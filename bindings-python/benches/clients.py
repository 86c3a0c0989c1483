"""Measures the native client beside redis-py with hiredis, in turns on the same servers; prints a table.

Usage: clients.py [ROUNDS]

Run it against a release build: `benches/run.sh` makes a wheel, installs it beside redis-py, and runs this.
"""

from __future__ import annotations

import asyncio
import resource
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import redis
import redis.asyncio
import redis.sentinel
import sentinelle
import sentinelle.asyncio
from redis.utils import HIREDIS_AVAILABLE
from sentinelle.testing import HaGroup

SPAN = 0.7
VALUE = b"x" * 100


@dataclass
class Figure:
    """What one turn of one client came to."""

    rate: float  # operations a second
    cpu: float  # microseconds outside the kernel for each


def user_cpu() -> float:
    """The processor time that this process has used outside the kernel, in seconds."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


def repeat(work: Callable[[], object], weight: int = 1) -> Figure:
    """Works again and again for a span; each time counts `weight` operations."""
    begin, cpu, count = time.perf_counter(), user_cpu(), 0
    while time.perf_counter() - begin < SPAN:
        for _ in range(20):
            work()
        count += 20 * weight
    spent = time.perf_counter() - begin
    return Figure(count / spent, (user_cpu() - cpu) / count * 1e6)


def one_get(client: Any) -> Figure:
    """One thread, one GET after the other."""
    return repeat(lambda: client.get("key"))


def pipeline_of_100(client: Any) -> Figure:
    """One thread, pipelines of 100 GETs."""

    def work() -> None:
        pipe = client.pipeline(transaction=False)
        for _ in range(100):
            pipe.get("key")
        pipe.execute()

    return repeat(work, 100)


def eight_threads(client: Any) -> Figure:
    """Eight threads, each one GET after the other."""
    counts = [0] * 8
    end = time.perf_counter() + SPAN

    def work(index: int) -> None:
        while time.perf_counter() < end:
            for _ in range(20):
                client.get("key")
            counts[index] += 20

    cpu, begin = user_cpu(), time.perf_counter()
    threads = [threading.Thread(target=work, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Figure(sum(counts) / (time.perf_counter() - begin), (user_cpu() - cpu) / sum(counts) * 1e6)


def fifty_tasks(make: Callable[[], Any]) -> Figure:
    """Fifty tasks of one loop, each one GET after the other."""

    async def run() -> Figure:
        client = make()
        # Each task has had its connection before the time runs.
        await asyncio.gather(*(client.get("key") for _ in range(50)))
        counts = [0] * 50
        cpu, begin = user_cpu(), time.perf_counter()
        end = begin + SPAN

        async def work(index: int) -> None:
            while time.perf_counter() < end:
                for _ in range(5):
                    await client.get("key")
                counts[index] += 5

        await asyncio.gather(*(work(index) for index in range(50)))
        figure = Figure(sum(counts) / (time.perf_counter() - begin), (user_cpu() - cpu) / sum(counts) * 1e6)
        await client.aclose()
        return figure

    return asyncio.run(run())


def failover(group: HaGroup, client: Any) -> str:
    """Four threads, each at 100 operations a second, while the master is killed."""
    group.reset()
    client.set("key", VALUE)
    errors: list[str] = []
    done = [0]
    longest = [0.0]
    is_over = threading.Event()

    def work(index: int) -> None:
        while not is_over.wait(0.01):
            begin = time.perf_counter()
            try:
                if index % 2:
                    client.set(f"key{index}", VALUE)
                else:
                    client.get("key")
                done[0] += 1
            except redis.RedisError as error:
                errors.append(type(error).__name__)
            longest[0] = max(longest[0], time.perf_counter() - begin)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    old = group.master()
    group.kill(old)
    group.wait_master_other_than(old)
    time.sleep(1)
    is_over.set()
    for thread in threads:
        thread.join()
    return f"{len(errors)} errors {sorted(set(errors))} beside {done[0]} operations, the longest {longest[0]:.2f} s"


def import_cost(module: str) -> float:
    """How long an import takes, in milliseconds."""
    program = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    return float(done.stdout) * 1000


@contextmanager
def servers() -> Iterator[tuple[int, str]]:
    """A server and a sentinel, both processes of their own: the port of the one, the URL of the other.

    A group of `sentinelle.testing` would not do: what carries its traffic works in this process.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        ports = [stack.enter_context(held_port()) for _ in range(2)]
        conf = folder / "sentinel.conf"
        conf.write_text(f"port {ports[1]}\nbind 127.0.0.1\nsentinel monitor mymaster 127.0.0.1 {ports[0]} 1\n")
        server = ["redis-server", "--port", str(ports[0]), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        for command in (server, [sys.executable, "-m", "sentinelle", str(conf)]):
            process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL))
            stack.callback(process.terminate)
        url = f"redis+sentinel://127.0.0.1:{ports[1]}/mymaster"
        deadline = time.monotonic() + 30
        while True:
            try:
                sentinelle.from_url(url).ping()
                break
            except redis.ConnectionError:
                assert time.monotonic() < deadline
        yield ports[0], url


@contextmanager
def held_port() -> Iterator[int]:
    """A port that nobody else is given, though one more socket may be bound to it."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def compare_speed(port: int, url: str, rounds: int) -> None:
    """Prints each figure as the median over the rounds: ours, redis-py's, the ratio."""
    ours, theirs = sentinelle.from_url(url), redis.Redis("127.0.0.1", port)
    ours.set("key", VALUE)
    assert ours.native
    pairs: list[tuple[str, Callable[[Any], Figure], Any, Any]] = [
        ("one GET in flight", one_get, ours, theirs),
        ("pipeline of 100 GETs", pipeline_of_100, ours, theirs),
        ("8 threads", eight_threads, ours, theirs),
        (
            "asyncio, 50 tasks",
            fifty_tasks,
            lambda: sentinelle.asyncio.from_url(url),
            lambda: redis.asyncio.Redis(host="127.0.0.1", port=port),
        ),
    ]
    for name, measure, of_ours, of_theirs in pairs:
        turns = [(measure(of_ours), measure(of_theirs)) for _ in range(rounds)]
        mine, other = (
            Figure(
                statistics.median(turn[side].rate for turn in turns),
                statistics.median(turn[side].cpu for turn in turns),
            )
            for side in (0, 1)
        )
        print(
            f"{name:20} {mine.rate:8.0f} op/s {mine.cpu:5.1f} us | redis-py {other.rate:8.0f} op/s {other.cpu:5.1f} us"
            f" | {mine.rate / other.rate:5.2f} times, CPU 1/{other.cpu / mine.cpu:.2f}",
            flush=True,
        )
    ours.close()
    theirs.close()


def compare_failovers(profile: str, rounds: int) -> None:
    """Prints what clients live through when the master is killed, each in turn."""
    with HaGroup(profile=profile) as group:
        of_redis_py = redis.sentinel.Sentinel(group.sentinels, socket_timeout=0.5)
        for _ in range(rounds):
            ours = sentinelle.from_url(group.url)
            print(f"kill -9, {profile}, ours:     {failover(group, ours)}", flush=True)
            ours.close()
            theirs = of_redis_py.master_for(group.name, redis_class=redis.Redis)
            print(f"kill -9, {profile}, redis-py: {failover(group, theirs)}", flush=True)
            theirs.close()


def main(rounds: int) -> None:
    """Prints all figures."""
    print(f"redis-py {redis.__version__}, hiredis {HIREDIS_AVAILABLE}, Python {sys.version.split()[0]}")
    with servers() as (port, url):
        compare_speed(port, url, rounds)
    compare_failovers("fast", 2)
    for module in ("sentinelle", "sentinelle.sentinel"):
        costs = [(import_cost(module), import_cost("redis")) for _ in range(rounds)]
        mine, other = (statistics.median(cost[side] for cost in costs) for side in (0, 1))
        print(f"import {module}: {mine:.0f} ms, import redis: {other:.0f} ms, {mine - other:+.0f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
