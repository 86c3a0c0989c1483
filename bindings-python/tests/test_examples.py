"""The examples, and the README's pieces of code, do what they say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from sentinelle.testing import HaGroup

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "python"
README = (ROOT / "bindings-python" / "README.md").read_text()
PIECES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLES / name), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)


def places(group: HaGroup) -> list[str]:
    return ["{}:{}".format(*address) for address in group.sentinels]


def test_discover_prints_who_is_who(ha_group: HaGroup) -> None:
    done = run("discover.py", ha_group.name, *places(ha_group))

    assert done.stdout.splitlines()[0] == "master {}:{}".format(*ha_group.address(ha_group.master())), done.stderr
    assert run("discover.py", "shop", *places(ha_group)).returncode == 1


def test_embed_fails_over(ha_group_factory) -> None:
    group = ha_group_factory(replicas=1, sentinels=0)
    host, port = group.address("server-0")
    command = [sys.executable, str(EXAMPLES / "embed.py"), "cart", host, str(port), "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert any(line.startswith("+slave ") for line in running.stdout)
        group.kill("server-0")
        rest = running.stdout.read()

    assert rest.splitlines()[-1] == "master {}:{}".format(*group.address("server-1"))


def test_pool_counts(ha_group: HaGroup) -> None:
    done = run("pool.py", ha_group.url)

    assert done.stdout == "counted 200\n", done.stderr


def test_watch_hears_of_a_switch(ha_group: HaGroup) -> None:
    command = [sys.executable, str(EXAMPLES / "watch.py"), ha_group.name, ",".join(places(ha_group)), "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        first = running.stdout.readline()
        old = ha_group.master()
        ha_group.kill(old)
        new = ha_group.wait_master_other_than(old)
        rest = running.stdout.read()

    assert first == "master {}:{}\n".format(*ha_group.address(old))
    assert rest == "master {}:{}\n".format(*ha_group.address(new))


def test_in_your_tests_passes() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLES / "in_your_tests.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=55, check=False, cwd=EXAMPLES)

    assert "2 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("piece", PIECES, ids=lambda piece: piece.strip().splitlines()[0])
def test_a_piece_of_the_readme_runs(ha_group_factory, piece: str) -> None:
    # Of its own: a sentinel that a piece runs is not forgotten by those of the group.
    ha_group: HaGroup = ha_group_factory()
    _, master = ha_group.address(ha_group.master())
    ports = dict(zip(("26379", "26380", "26381"), (str(port) for _, port in ha_group.sentinels), strict=True))
    ports["6379"] = str(master)
    # In one pass, because a port that is put in may look like one that is to be replaced.
    program = re.sub(r"\b(?:" + "|".join(ports) + r")\b", lambda found: ports[found[0]], piece)
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert done.returncode == 0, done.stderr
