"""The group that the tests of the mirrors share: fit for each test, with clients that are closed after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from sentinelle.sentinel import Sentinel
from sentinelle.testing import HaGroup


@pytest.fixture
def sentinel(ha_group: HaGroup) -> Iterator[Sentinel]:
    with ExitStack() as stack:
        made = Sentinel(ha_group.sentinels)
        stack.callback(made.close)
        yield made


@pytest.fixture
def make_sentinel() -> Iterator[Callable[..., Sentinel]]:
    with ExitStack() as stack:

        def make(*args: object, **kwargs: object) -> Sentinel:
            made = Sentinel(*args, **kwargs)  # type: ignore[arg-type]
            stack.callback(made.close)
            return made

        yield make
