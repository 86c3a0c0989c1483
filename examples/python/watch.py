"""Tells of each switch of a master, until the given number of them.

Usage: watch.py NAME HOST:PORT[,HOST:PORT ...] SWITCHES
"""

from __future__ import annotations

import sys

from sentinelle import Discovery


def main(name: str, sentinels: str, switches: str) -> None:
    """Prints the master, and each that follows it."""
    with Discovery(sentinels) as discovery:
        discovery.master(name)
        generation = 0
        left = int(switches)
        for picture in discovery.watch(name):
            if picture.generation == generation or picture.master is None:
                continue
            left -= generation > 0
            generation = picture.generation
            print("master {}:{}".format(*picture.master), flush=True)
            if left <= 0:
                break


if __name__ == "__main__":
    main(*sys.argv[1:])
