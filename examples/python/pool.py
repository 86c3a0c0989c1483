"""Counts on the master, wherever it is, from a thread and from coroutines; a failover fails nothing.

Usage: pool.py redis+sentinel://HOST:PORT,HOST:PORT/NAME
"""

from __future__ import annotations

import asyncio
import sys

import sentinelle
import sentinelle.asyncio


def main(url: str) -> None:
    """Counts to 200."""
    client = sentinelle.from_url(url, decode_responses=True)
    client.set("turns", 0)
    with client.pipeline() as pipe:
        for _ in range(100):
            pipe.incr("turns")
        pipe.execute()
    asyncio.run(count(url))
    print("counted", client.get("turns"))
    client.close()


async def count(url: str) -> None:
    """Counts a hundred times at once."""
    async with sentinelle.asyncio.from_url(url) as client:
        await asyncio.gather(*(client.incr("turns") for _ in range(100)))


if __name__ == "__main__":
    main(*sys.argv[1:])
