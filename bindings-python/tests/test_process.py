"""How the package behaves in its process: imports, signals, servers that fork, the log."""

from __future__ import annotations

import logging
import signal
import socket
import subprocess
import sys
import textwrap
import time
import urllib.request
from pathlib import Path

import pytest
from sentinelle import SentinelServer, logs
from sentinelle.testing import HaGroup


def test_an_import_needs_no_redis_py() -> None:
    program = (
        "import sys; sys.modules['redis'] = None\nimport sentinelle, sentinelle.testing\nsentinelle.SentinelServer"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)


def test_an_import_costs_little_beside_redis_pys() -> None:
    def cost(module: str) -> float:
        program = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
        runs = [subprocess.run([sys.executable, "-c", program], capture_output=True, check=True) for _ in range(3)]
        return min(float(run.stdout) for run in runs)

    assert cost("sentinelle") < cost("redis") + 0.06


def test_ctrl_c_ends_a_wait_for_an_event() -> None:
    program = """
        import sentinelle
        with sentinelle.SentinelServer(masters={}, listen="127.0.0.1:0") as server:
            try:
                print("ready", flush=True)
                server.events().next()
            except KeyboardInterrupt:
                print("interrupted", flush=True)
    """
    _interrupt(program, "interrupted\n")


def test_ctrl_c_ends_a_command_that_waits(ha_group: HaGroup) -> None:
    program = f"""
        import sentinelle
        client = sentinelle.from_url({ha_group.url!r})
        client.ping()
        try:
            print("ready", flush=True)
            client.blpop(["never"], 0)
        except KeyboardInterrupt:
            print("interrupted", client.set("k", "v"), flush=True)
    """
    _interrupt(program, "interrupted True\n")


def _interrupt(program: str, expected: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        running.send_signal(signal.SIGINT)
        begin = time.monotonic()
        assert running.stdout.read() == expected
        assert time.monotonic() - begin < 10


def test_gunicorns_preloaded_application_serves_from_its_workers(ha_group: HaGroup, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        textwrap.dedent(
            f"""
            import sentinelle
            client = sentinelle.from_url({ha_group.url!r})
            client.set("hits", 0)

            def app(environ, start_response):
                start_response("200 OK", [])
                return [b"%d" % client.incr("hits")]
            """
        )
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = [sys.executable, "-m", "gunicorn", "--preload", "--workers", "2", "--chdir", str(tmp_path)]
        descriptor = listener.fileno()
        command += ["--bind", f"fd://{descriptor}", "app:app"]
        with subprocess.Popen(command, pass_fds=[descriptor], stderr=subprocess.PIPE) as running:
            try:
                url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
                answers = [int(urllib.request.urlopen(url, timeout=20).read()) for _ in range(6)]
            finally:
                running.terminate()

    assert answers == [1, 2, 3, 4, 5, 6]


def test_the_engines_log_comes_out_of_pythons(caplog: pytest.LogCaptureFixture) -> None:
    logs.forward_logs("info")
    try:
        with (
            caplog.at_level(logging.INFO, logger="sentinelle"),
            SentinelServer(masters={"cart": ("127.0.0.1", 1, 1)}, listen="127.0.0.1:0", down_after_ms=50) as server,
        ):
            next(event for event in server.events() if event.name == "+sdown")
            deadline = time.monotonic() + 5
            while not any("+sdown" in record.getMessage() for record in caplog.records):
                assert time.monotonic() < deadline, caplog.text
    finally:
        logs.stop_forwarding()
        logs.stop_forwarding()

    assert {record.name for record in caplog.records} == {"sentinelle"}
