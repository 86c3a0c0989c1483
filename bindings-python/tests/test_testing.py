"""Groups of real servers from Python: faults, waits, resets, and nothing left behind."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from sentinelle import ConfigError, SentinelleError, StoppedError, WaitTimeoutError
from sentinelle.testing import AsyncHaGroup, HaGroup
from waiting import PATIENCE_S


def test_a_group_survives_the_death_of_its_master(ha_group: HaGroup) -> None:
    old = ha_group.master()
    assert ha_group.command(old, "SET", "colour", "green") == b"OK"
    ha_group.wait_synced()

    ha_group.kill(old)
    new = ha_group.wait_master_other_than(old)

    assert ha_group.command(new, "GET", "colour") == b"green"
    assert ha_group.wait_event("+switch-master").text.startswith(ha_group.name)
    assert {"server-0", "server-1", "server-2"} == {new, *ha_group.replicas()}


def test_a_reset_removes_faults_and_data(ha_group: HaGroup) -> None:
    assert ha_group.command(ha_group.master(), "DBSIZE") == 0
    ha_group.pause(ha_group.replicas()[0])
    ha_group.command(ha_group.master(), "SET", "left", "behind")

    ha_group.reset()

    assert ha_group.command(ha_group.master(), "DBSIZE") == 0
    assert [each["role"] for each in ha_group.snapshot()["servers"]].count("slave") == 2


def test_faults_have_effect_until_they_are_healed(ha_group: HaGroup) -> None:
    master = ha_group.master()
    other = ha_group.replicas()[0]
    ha_group.partition([master], ha_group.sentinel_members)
    ha_group.wait_master_other_than(master)
    ha_group.heal()
    ha_group.wait_role(master, "slave")
    ha_group.fault("priority", member=other, priority=50)

    assert b"replica-priority" in ha_group.command(other, "CONFIG", "GET", "replica-priority")
    with pytest.raises(ConfigError, match="moon"):
        ha_group.fault("moon")
    with pytest.raises(ConfigError, match="server-9"):
        ha_group.kill("server-9")


def test_a_wait_that_fails_shows_every_member(ha_group_factory) -> None:
    group: HaGroup = ha_group_factory(replicas=1, sentinels=1, quorum=1, patience_ms=50)

    with pytest.raises(WaitTimeoutError, match="server-1"):
        group.wait_event("+never")


def test_a_group_of_another_shape(ha_group_factory) -> None:
    group: HaGroup = ha_group_factory(
        replicas=0, sentinels=1, quorum=1, name="cart", password="secret", server_option=["maxmemory 10mb"]
    )

    assert group.servers == ["server-0"]
    assert group.url.endswith("/cart")
    assert b"10485760" in group.command("server-0", "CONFIG", "GET", "maxmemory")[1:][0]
    assert "Ready to accept connections" in group.logs("server-0")
    with pytest.raises(ConfigError, match="quorum"):
        ha_group_factory(quorum=0)


async def test_coroutines_use_the_same_group(ha_group_async: AsyncHaGroup) -> None:
    old = await ha_group_async.master()
    await ha_group_async.kill(old)

    assert await ha_group_async.wait_master_other_than(old) in ha_group_async.group.servers


async def test_coroutines_start_groups(ha_group_factory_async) -> None:
    group: AsyncHaGroup = await ha_group_factory_async(replicas=0, sentinels=1, quorum=1)

    assert await group.command("server-0", "PING") == b"PONG"


def test_a_group_that_is_stopped_says_so() -> None:
    with HaGroup(replicas=0, sentinels=0) as group:
        pass

    with pytest.raises(StoppedError):
        group.master()


def test_a_group_in_a_killed_program_leaves_no_process(tmp_path: Path) -> None:
    program = """
        from sentinelle.testing import HaGroup
        group = HaGroup(replicas=1, sentinels=1, quorum=1).start()
        print(*(group.command(m, "INFO", "server").decode().split("process_id:")[1].split()[0] for m in group.servers))
        input()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        pids = [int(pid) for pid in running.stdout.readline().split()]
        running.send_signal(signal.SIGKILL)

    assert len(pids) == 2
    for pid in pids:
        wait_until_gone(pid)


def wait_until_gone(pid: int) -> None:
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        ended, _, _ = select.select([process], [], [], PATIENCE_S)
        assert ended, f"process {pid} still runs"
    finally:
        os.close(process)


def test_a_failed_start_tells_why() -> None:
    with pytest.raises(SentinelleError):
        HaGroup(server_option=["moon 1"], replicas=0, sentinels=0).start()


@pytest.mark.parametrize("workers", ["0", "2"])
def test_the_plugin_serves_a_suite_of_ones_own(tmp_path: Path, workers: str) -> None:
    (tmp_path / "test_own.py").write_text(
        textwrap.dedent(
            """
            import asyncio, pytest

            @pytest.mark.parametrize("turn", range(3))
            def test_a_service(ha_group, turn):
                master = ha_group.master()
                assert ha_group.command(master, "INCR", "turns") == 1

            def test_two_groups(ha_group_factory):
                one, other = (ha_group_factory(replicas=0, sentinels=1, quorum=1) for _ in range(2))
                assert one.url != other.url

            def test_coroutines(ha_group_async):
                assert asyncio.run(ha_group_async.master()).startswith("server-")
            """
        )
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", workers, "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert "5 passed" in done.stdout, done.stdout + done.stderr


def test_the_plugin_imports_nothing_before_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text("import sys\ndef test(): assert 'sentinelle.testing' not in sys.modules\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert "1 passed" in done.stdout, done.stdout + done.stderr
