"""The command line: `sentinelle /path/sentinel.conf` in place of redis-sentinel, `sentinelle demo`."""

from __future__ import annotations

import signal
import sys

from . import _sentinelle


def main() -> int:
    """Runs what the arguments order; gives the exit code."""
    # Signals are the program's own, as they are the executable's.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _sentinelle.run(sys.argv)


if __name__ == "__main__":
    sys.exit(main())
