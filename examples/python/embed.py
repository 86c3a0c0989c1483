"""Runs a sentinel inside this program and tells what it sees, until the first switch.

Usage: embed.py NAME HOST PORT QUORUM
"""

from __future__ import annotations

import sys

from sentinelle import SentinelServer


def main(name: str, host: str, port: str, quorum: str) -> None:
    """Prints the events of a sentinel."""
    masters = {name: (host, int(port), int(quorum))}
    with SentinelServer(masters=masters, listen="127.0.0.1:0", down_after_ms=1000) as server:
        print("listening on {}:{}".format(*server.address), flush=True)
        for event in server.events():
            print(event.name, event.text, flush=True)
            if event.name == "+switch-master":
                break
        print("master {}:{}".format(*server.status().masters[name].address))


if __name__ == "__main__":
    main(*sys.argv[1:])
