"""How a coroutine waits for something native: until a file descriptor is readable."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from weakref import WeakKeyDictionary

_Waiters = dict[int, set["asyncio.Future[None]"]]
_WAITERS: WeakKeyDictionary[asyncio.AbstractEventLoop, _Waiters] = WeakKeyDictionary()


async def readable(fd: int) -> None:
    """Returns when `fd` can be read from; several coroutines may wait for the same one."""
    loop = asyncio.get_running_loop()
    of_loop = _WAITERS.setdefault(loop, {})
    if fd not in of_loop:
        of_loop[fd] = set()
        loop.add_reader(fd, _wake, loop, fd)
    waiters = of_loop[fd]
    waiter: asyncio.Future[None] = loop.create_future()
    waiters.add(waiter)
    try:
        await waiter
    finally:
        waiters.discard(waiter)
        if not waiters and of_loop.get(fd) is waiters:
            _forget(loop, fd)


def _wake(loop: asyncio.AbstractEventLoop, fd: int) -> None:
    for waiter in _forget(loop, fd):
        if not waiter.done():
            waiter.set_result(None)


def _forget(loop: asyncio.AbstractEventLoop, fd: int) -> Iterable[asyncio.Future[None]]:
    loop.remove_reader(fd)
    return tuple(_WAITERS[loop].pop(fd, ()))
