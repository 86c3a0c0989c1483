"""Libraries that import `redis.sentinel` survive a failover after `sentinelle.patch()`, each as it is."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest
from sentinelle.testing import HaGroup

PROGRAMS = {
    "kombu": """
        from kombu import Connection
        urls = ";".join(f"sentinel://{host}:{port}" for host, port in sentinels)
        options = {"master_name": "mymaster", "socket_timeout": 2}
        with Connection(urls, transport_options=options) as connection:
            queue = connection.SimpleQueue("jobs")
            queue.put("before")
            tell("ready")
            for attempt in range(50):
                try:
                    queue.put("after")
                    break
                except connection.recoverable_connection_errors + connection.recoverable_channel_errors:
                    connection.ensure_connection(max_retries=50, interval_start=0, interval_step=0.05)
                    queue = connection.SimpleQueue("jobs")
            got = [queue.get(timeout=20).payload]
            while got[-1] != "after":
                got.append(queue.get(timeout=20).payload)
            assert type(queue.channel.client.connection_pool).__module__ == "sentinelle.sentinel"
    """,
    "celery": """
        from celery import Celery
        urls = ";".join(f"sentinel://{host}:{port}" for host, port in sentinels)
        app = Celery("app", broker=urls, backend=urls)
        options = {"master_name": "mymaster", "socket_timeout": 2}
        app.conf.update(broker_transport_options=options, result_backend_transport_options=options)
        app.backend.store_result("one", 1, "SUCCESS")
        tell("ready")
        app.backend.store_result("two", 2, "SUCCESS")
        assert app.AsyncResult("two").get(timeout=20) == 2
        assert app.AsyncResult("one").get(timeout=20) == 1
    """,
    "django-redis": """
        import django
        from django.conf import settings
        settings.configure(
            DJANGO_REDIS_CONNECTION_FACTORY="django_redis.pool.SentinelConnectionFactory",
            CACHES={"default": {
                "BACKEND": "django_redis.cache.RedisCache",
                "LOCATION": "redis://mymaster/0",
                "OPTIONS": {"CLIENT_CLASS": "django_redis.client.SentinelClient", "SENTINELS": sentinels},
            }},
        )
        django.setup()
        from django.core.cache import cache
        cache.set("before", 1)
        tell("ready")
        cache.set("after", 2)
        assert cache.get("after") == 2
        from django_redis import get_redis_connection
        assert type(get_redis_connection("default", write=True).connection_pool).__module__ == "sentinelle.sentinel"
    """,
    "rq": """
        from redis.sentinel import Sentinel
        from rq import Queue, SimpleWorker
        master = Sentinel(sentinels, socket_timeout=2).master_for("mymaster")
        queue = Queue(connection=master)
        queue.enqueue("math.sqrt", 4)
        tell("ready")
        job = queue.enqueue("math.sqrt", 9)
        SimpleWorker([queue], connection=master).work(burst=True)
        assert job.return_value() == 3
    """,
}

PREFACE = """
import sys, sentinelle
sentinelle.patch()
sentinels = [("127.0.0.1", int(port)) for port in sys.argv[1:]]
def tell(word):
    print(word, flush=True)
    input()
"""


@pytest.mark.parametrize("library", PROGRAMS)
def test_a_library_survives_a_failover(ha_group: HaGroup, library: str) -> None:
    program = PREFACE + textwrap.dedent(PROGRAMS[library])
    ports = [str(port) for _, port in ha_group.sentinels]
    with subprocess.Popen(
        [sys.executable, "-c", program, *ports],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        if running.stdout.readline() == "ready\n":
            ha_group.wait_synced()
            ha_group.kill(ha_group.master())
        _, errors = running.communicate("go on\n", timeout=50)

    assert running.returncode == 0, errors


def test_a_patch_can_be_undone() -> None:
    program = (
        "import redis.sentinel as theirs, redis, sentinelle.patching as patching\n"
        "original = theirs.Sentinel\n"
        "patching.patch(); patching.patch()\n"
        "import sentinelle.sentinel as ours\n"
        "assert redis.Sentinel is theirs.Sentinel is ours.Sentinel\n"
        "assert issubclass(ours.MasterNotFoundError, redis.ConnectionError)\n"
        "patching.unpatch()\n"
        "assert redis.Sentinel is theirs.Sentinel is original\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
