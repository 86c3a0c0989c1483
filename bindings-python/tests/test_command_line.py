"""The wheel's `sentinelle` does what the executable does."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from waiting import PATIENCE_S

PROGRAM = [sys.executable, "-m", "sentinelle"]


def test_it_tells_its_version() -> None:
    done = subprocess.run([*PROGRAM, "--version"], capture_output=True, text=True, timeout=30, check=True)

    assert "sentinelle" in done.stdout.lower() or "v=" in done.stdout


def test_it_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    done = subprocess.run([*PROGRAM, str(tmp_path / "none.conf")], capture_output=True, timeout=30, check=False)

    assert done.returncode == 1


def test_it_runs_a_sentinel_until_it_is_told_to_end(tmp_path: Path) -> None:
    conf = tmp_path / "sentinel.conf"
    with held_port() as port:
        conf.write_text(f"port {port}\nbind 127.0.0.1\nsentinel monitor cart 127.0.0.1 1 2\n")
        with subprocess.Popen([*PROGRAM, str(conf)], stdout=subprocess.PIPE, text=True) as running:
            assert running.stdout is not None
            assert any("+monitor master cart" in line for line in running.stdout)
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
                connection.sendall(b"PING\r\n")
                assert connection.recv(100) == b"+PONG\r\n"
            running.send_signal(signal.SIGTERM)
            running.stdout.read()

    assert running.returncode == 0


@contextmanager
def held_port() -> Iterator[int]:
    """A port that nobody else is given: a socket is bound to it that does not listen, so that one more may be."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
