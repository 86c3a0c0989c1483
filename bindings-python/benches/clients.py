"""Measures the native client beside redis-py with hiredis, in turns on the same servers; prints a table.

Run it against a release build: `maturin build --release`, install the wheel, `python benches/clients.py`.
"""

from __future__ import annotations

import asyncio
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import redis
import redis.asyncio
import sentinelle
import sentinelle.asyncio
from sentinelle.testing import HaGroup

ROUNDS = 5
SPAN = 0.7
VALUE = b"x" * 100


def user_cpu() -> float:
    """The CPU time that this process has used outside the kernel, in seconds."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


def repeat(work: Callable[[], object], weight: int = 1) -> tuple[float, float]:
    """Operations a second, and user CPU per operation in microseconds."""
    begin, cpu, count = time.perf_counter(), user_cpu(), 0
    while time.perf_counter() - begin < SPAN:
        for _ in range(20):
            work()
        count += 20 * weight
    spent = time.perf_counter() - begin
    return count / spent, (user_cpu() - cpu) / count * 1e6


def one_get(client: Any) -> tuple[float, float]:
    """One thread, one GET after the other."""
    return repeat(lambda: client.get("key"))


def pipeline_of_100(client: Any) -> tuple[float, float]:
    """One thread, pipelines of 100 GETs."""

    def work() -> None:
        pipe = client.pipeline(transaction=False)
        for _ in range(100):
            pipe.get("key")
        pipe.execute()

    return repeat(work, 100)


def eight_threads(client: Any) -> tuple[float, float]:
    """Eight threads, each one GET after the other."""
    counts = [0] * 8
    end = time.perf_counter() + SPAN

    def work(index: int) -> None:
        while time.perf_counter() < end:
            for _ in range(20):
                client.get("key")
            counts[index] += 20

    cpu = user_cpu()
    threads = [threading.Thread(target=work, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / SPAN, (user_cpu() - cpu) / sum(counts) * 1e6


def fifty_tasks(make: Callable[[], Any]) -> tuple[float, float]:
    """Fifty tasks of one loop, each one GET after the other."""

    async def run() -> tuple[float, float]:
        client = make()
        await client.get("key")
        counts = [0] * 50
        end = time.perf_counter() + SPAN

        async def work(index: int) -> None:
            while time.perf_counter() < end:
                await client.get("key")
                counts[index] += 1

        cpu = user_cpu()
        await asyncio.gather(*(work(index) for index in range(50)))
        figures = sum(counts) / SPAN, (user_cpu() - cpu) / sum(counts) * 1e6
        await client.aclose()
        return figures

    return asyncio.run(run())


def failover(group: HaGroup) -> str:
    """Four threads at 100 operations a second while the master is killed."""
    client = sentinelle.from_url(group.url)
    client.set("key", VALUE)
    errors: list[Exception] = []
    done = [0]
    is_over = threading.Event()

    def work(index: int) -> None:
        while not is_over.wait(0.01):
            try:
                client.set(f"key{index}", VALUE)
                client.get("key")
                done[0] += 1
            except Exception as error:
                errors.append(error)

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
    return f"{len(errors)} errors in {done[0]} rounds {errors[:2]}"


def import_cost(module: str) -> float:
    """How long an import takes, in milliseconds."""
    program = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    runs = [subprocess.run([sys.executable, "-c", program], capture_output=True, check=True) for _ in range(5)]
    return min(float(run.stdout) for run in runs) * 1000


def main() -> None:
    """Prints each figure as median over the rounds: ours, redis-py's, the ratio."""
    with HaGroup() as group:
        host, port = group.address(group.master())
        ours, theirs = sentinelle.from_url(group.url), redis.Redis(host, port)
        ours.set("key", VALUE)
        print(f"redis-py {redis.__version__}, native {ours.native}")
        pairs: list[tuple[str, Callable[[Any], tuple[float, float]], Any, Any]] = [
            ("one GET in flight", one_get, ours, theirs),
            ("pipeline of 100", pipeline_of_100, ours, theirs),
            ("8 threads", eight_threads, ours, theirs),
            (
                "asyncio, 50 tasks",
                fifty_tasks,
                lambda: sentinelle.asyncio.from_url(group.url),
                lambda: redis.asyncio.Redis(host=host, port=port),
            ),
        ]
        for name, measure, of_ours, of_theirs in pairs:
            rounds = [(measure(of_ours), measure(of_theirs)) for _ in range(ROUNDS)]
            rate, cpu = (statistics.median(mine[part] for mine, _ in rounds) for part in (0, 1))
            their_rate, their_cpu = (statistics.median(other[part] for _, other in rounds) for part in (0, 1))
            print(
                f"{name:20} {rate:9.0f} op/s {cpu:6.1f} us | redis-py {their_rate:9.0f} op/s {their_cpu:6.1f} us"
                f" | {rate / their_rate:5.1f}x, CPU 1/{their_cpu / cpu:.1f}",
                flush=True,
            )
        ours.close()
        print("failover:", failover(group))
    print(f"import: sentinelle {import_cost('sentinelle'):.0f} ms, redis {import_cost('redis'):.0f} ms")


if __name__ == "__main__":
    main()
