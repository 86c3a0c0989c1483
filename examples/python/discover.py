"""Asks the sentinels where the master and its replicas are, with redis-py's API.

Usage: discover.py NAME HOST:PORT [HOST:PORT ...]
"""

from __future__ import annotations

import sys

from sentinelle.sentinel import MasterNotFoundError, Sentinel


def main(name: str, *sentinels: str) -> int:
    """Prints the addresses; gives the exit code."""
    pairs = [(host, int(port)) for host, _, port in (place.rpartition(":") for place in sentinels)]
    with Sentinel(pairs) as sentinel:
        try:
            print("master {}:{}".format(*sentinel.discover_master(name)))
        except MasterNotFoundError as error:
            print(error, file=sys.stderr)
            return 1
        for host, port in sentinel.discover_replicas(name):
            print(f"replica {host}:{port}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
