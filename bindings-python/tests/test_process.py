"""How the package behaves in its process: imports, signals, servers that fork, the log."""

from __future__ import annotations

import logging
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import urllib.request
from pathlib import Path

import pytest
from sentinelle import SentinelServer, logs
from sentinelle.testing import HaGroup
from waiting import PATIENCE_S


def test_an_import_needs_no_redis_py() -> None:
    program = (
        "import sys; sys.modules['redis'] = None\nimport sentinelle, sentinelle.testing\nsentinelle.SentinelServer"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)


@pytest.mark.parametrize("module", ["sentinelle", "sentinelle.sentinel"])
def test_an_import_costs_little_beside_redis_pys(module: str) -> None:
    def cost(imported: str) -> float:
        # Processor time, because the machine may be busy with something else.
        program = f"import time; import {imported}; print(time.process_time())"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
        return float(done.stdout)

    rounds = [(cost(module), cost("redis")) for _ in range(5)]
    ours, theirs = map(min, zip(*rounds, strict=True))

    assert ours <= theirs + 0.06


# Waits that end by themselves after minutes at the earliest; `url` is a group's, `ready` is called before each.
WAITS = {
    "an event": "with sentinelle.SentinelServer(masters={}, **free) as s: ready(s); s.events().next()",
    "the end of a sentinel": "with sentinelle.SentinelServer(masters={}, **free) as s: ready(s); s.wait_ended()",
    "a master": "d = sentinelle.Discovery('127.0.0.1:1'); ready(d); d.master('none', timeout=600)",
    "a switch": "w = sentinelle.Discovery(places).watch('mymaster'); w.next(10); ready(w)\nwhile True: w.next()",
    "a command": "c = sentinelle.from_url(url); c.ping(); ready(c); c.blpop(['never'], 0)",
    "a command of redis-py's": (
        "c = sentinelle.from_url(url, redis_class=redis.Redis); c.ping(); ready(c); c.blpop(['never'], 0)"
    ),
    "a message": "p = sentinelle.from_url(url).pubsub(); p.subscribe('never'); ready(p)\nfor _ in p.listen(): pass",
    "a coroutine": (
        "async def main():\n"
        "    c = sentinelle.asyncio.from_url(url)\n"
        "    await c.ping(); ready(c); await c.blpop(['never'], 0)\n"
        "asyncio.run(main())"
    ),
    "a group": (
        "with HaGroup(replicas=0, sentinels=1, quorum=1, patience_ms=600_000) as g: ready(g); g.wait_event('+never')"
    ),
}


@pytest.mark.parametrize("wait", WAITS)
def test_ctrl_c_ends_every_wait(ha_group: HaGroup, wait: str) -> None:
    program = (
        "import asyncio, redis, sentinelle, sentinelle.asyncio\n"
        "from sentinelle.testing import HaGroup\n"
        f"url, places, free = {ha_group.url!r}, {ha_group.sentinels!r}, {{'listen': '127.0.0.1:0'}}\n"
        "def ready(_): print('ready', flush=True)\n"
        "try:\n" + textwrap.indent(WAITS[wait], "    ") + "\n"
        "except KeyboardInterrupt:\n    print('interrupted', flush=True)\n"
    )
    _interrupt(program, "interrupted\n")


def test_a_client_is_of_use_after_an_interrupt(ha_group: HaGroup) -> None:
    program = f"""
        import sentinelle
        client = sentinelle.from_url({ha_group.url!r})
        client.ping()
        try:
            print("ready", flush=True)
            client.blpop(["never"], 0)
        except KeyboardInterrupt:
            print("interrupted", client.set("k", "v"), client.get("k"), flush=True)
    """
    _interrupt(program, "interrupted True b'v'\n")


def _interrupt(program: str, expected: str) -> None:
    # A shell that starts something in the background lets it ignore the signal, and so would all that it starts.
    attentive = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n" + textwrap.dedent(program)
    with subprocess.Popen([sys.executable, "-c", attentive], stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            assert running.stdout.readline() == "ready\n"
            running.send_signal(signal.SIGINT)
            rest, _ = running.communicate(timeout=PATIENCE_S)
        finally:
            running.kill()

    assert rest == expected


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
    with socket.create_server(("127.0.0.1", 0)) as listener, (tmp_path / "log").open("wb") as log:
        command = [sys.executable, "-m", "gunicorn", "--preload", "--workers", "2", "--chdir", str(tmp_path)]
        descriptor = listener.fileno()
        command += ["--bind", f"fd://{descriptor}", "app:app"]
        with subprocess.Popen(command, pass_fds=[descriptor], stderr=log) as running:
            try:
                url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
                answers = [int(urllib.request.urlopen(url, timeout=PATIENCE_S).read()) for _ in range(6)]
            finally:
                running.terminate()

    assert answers == [1, 2, 3, 4, 5, 6]


class Heard(logging.Handler):
    """Keeps records, and tells when one came that was waited for."""

    def __init__(self, awaited: str) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self.has_come = threading.Event()
        self._awaited = awaited

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
        if self._awaited in record.getMessage():
            self.has_come.set()


def test_the_engines_log_comes_out_of_pythons() -> None:
    logger = logging.getLogger("sentinelle")
    handler, level = Heard("+sdown"), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logs.forward_logs("info")
    try:
        with SentinelServer(masters={"cart": ("127.0.0.1", 1, 1)}, listen="127.0.0.1:0", down_after_ms=50):
            assert handler.has_come.wait(PATIENCE_S), [record.getMessage() for record in handler.records]
    finally:
        logs.stop_forwarding()
        logs.stop_forwarding()
        logger.removeHandler(handler)
        logger.setLevel(level)

    assert {record.name for record in handler.records} == {"sentinelle"}
    assert all(isinstance(record.sentinelle, dict) for record in handler.records)
