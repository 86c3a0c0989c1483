"""How tests wait: for what they need to be so, until a generous deadline."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable

# Far more than any of it takes, on a machine that is busy with other things as well.
PATIENCE_S = 30.0
_PAUSE_S = 0.02


def until(is_so: Callable[[], object]) -> None:
    """Returns when it is so; fails when that takes too long."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, f"not so within {PATIENCE_S} s"
        threading.Event().wait(_PAUSE_S)


async def until_async(is_so: Callable[[], Awaitable[object]]) -> None:
    """The same for coroutines."""
    deadline = time.monotonic() + PATIENCE_S
    while not await is_so():
        assert time.monotonic() < deadline, f"not so within {PATIENCE_S} s"
        await asyncio.sleep(_PAUSE_S)
