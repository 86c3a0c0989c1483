"""The tutorial's program runs with nothing but its import changed, on redis-sentinel and on ours."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sentinelle.sentinel import Sentinel
from sentinelle.testing import HaGroup
from waiting import until

PROGRAM = (Path(__file__).parent / "programs" / "classic.py").read_text()
ITS_PORTS = ("26379", "26380", "26381")


def adapted(group: HaGroup) -> str:
    """The program with our import, and the ports of this group in the place of the usual ones."""
    program, changes = re.subn(r"^from redis\.sentinel import", "from sentinelle.sentinel import", PROGRAM, flags=re.M)
    assert changes == 1
    ports = dict(zip(ITS_PORTS, (str(port) for _, port in group.sentinels), strict=True))
    return re.sub("|".join(ports), lambda found: ports[found[0]], program)


@pytest.mark.parametrize("backend", ["stock", "real"], ids=["redis-sentinel", "ours"])
def test_the_tutorials_program_runs_with_only_its_import_changed(
    ha_group_factory: Callable[..., HaGroup], backend: str
) -> None:
    group = ha_group_factory(backend=backend, password="123")
    replicas = sorted(map(group.address, group.replicas()))
    with Sentinel(group.sentinels) as sentinel:
        until(lambda: sorted(sentinel.discover_slaves("mymaster")) == replicas)
    # The program reads from a replica at once; what it reads has to be there before.
    group.command(group.master(), "SET", "foo", "bar")
    group.wait_synced()

    done = subprocess.run(
        [sys.executable, "-c", adapted(group)], capture_output=True, text=True, timeout=50, check=False
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [str(group.address(group.master())), str(replicas), "b'bar'"]
