"""The wheel's `sentinelle` does what the executable does."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

from sentinelle import SentinelServer

PROGRAM = [sys.executable, "-m", "sentinelle"]


def test_it_tells_its_version() -> None:
    done = subprocess.run([*PROGRAM, "--version"], capture_output=True, text=True, timeout=30, check=True)

    assert "sentinelle" in done.stdout.lower() or "v=" in done.stdout


def test_it_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    done = subprocess.run([*PROGRAM, str(tmp_path / "none.conf")], capture_output=True, timeout=30, check=False)

    assert done.returncode == 1


def test_it_runs_a_sentinel_until_it_is_told_to_end(tmp_path: Path) -> None:
    with SentinelServer(masters={}, listen="127.0.0.1:0") as server:
        _, port = server.address
    conf = tmp_path / "sentinel.conf"
    conf.write_text(f"port {port}\nbind 127.0.0.1\nsentinel monitor cart 127.0.0.1 1 2\n")

    with subprocess.Popen([*PROGRAM, str(conf)], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert any("+monitor master cart" in line for line in running.stdout)
        with socket.create_connection(("127.0.0.1", port), timeout=3) as connection:
            connection.sendall(b"PING\r\n")
            assert connection.recv(100) == b"+PONG\r\n"
        running.send_signal(signal.SIGTERM)
        running.stdout.read()

    assert running.returncode == 0
