"""Which of redis-py's keywords the native client serves, and as what; what it does not serve goes to redis-py."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from sentinelle._options import plan_pool
from sentinelle.sentinel import Sentinel
from sentinelle.testing import HaGroup

IS_8 = int(redis.__version__.split(".", maxsplit=1)[0]) >= 8
PLAIN = {
    "max": "100" if IS_8 else "10000",
    "protocol": "3" if IS_8 else "2",
    "response_timeout_ms": "5000",
    "timeout_ms": "5000",
}

SERVED: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({}, {}),
    ({"db": 3, "password": "p", "username": "u"}, {"db": "3", "password": "p", "username": "u"}),
    ({"socket_timeout": 0.1}, {"response_timeout_ms": "100"}),
    # A command that may take half a minute is given it.
    ({"socket_timeout": 30}, {"response_timeout_ms": "30000", "timeout_ms": "30000"}),
    ({"socket_connect_timeout": 2.5}, {"connect_time_ms": "2500"}),
    ({"max_connections": 7}, {"max": "7"}),
    ({"max_connections": 2**31}, {"max": "10000"}),
    ({"health_check_interval": 0}, {}),
    ({"health_check_interval": 30}, {"ping_after_ms": "30000"}),
    ({"protocol": 2}, {"protocol": "2"}),
    ({"client_name": "me"}, {"client_name": "me"}),
    ({"retry": None, "cache": None, "credential_provider": None, "redis_connect_func": None}, {}),
    ({"ssl": True, "ssl_ca_certs": "/ca.pem"}, {"tls": "yes", "tls_insecure": "no", "tls_ca_file": "/ca.pem"}),
    ({"ssl": True, "ssl_cert_reqs": "none"}, {"tls": "yes", "tls_insecure": "yes"}),
    ({"ssl": False, "is_master": True, "check_connection": True}, {}),
]
UNSERVED: list[dict[str, Any]] = [
    {"cache_config": "any"},
    {"connection_class": "any"},
    {"credential_provider": "any"},
    {"max_connections": 0},
    {"parser_class": "any"},
    {"redis_connect_func": "any"},
    {"retry": "any"},
    {"retry_on_error": ["any"]},
    {"retry_on_timeout": True},
    {"socket_keepalive_options": {1: 1}},
    {"socket_timeout": 0},
    {"ssl": True, "ssl_ciphers": "ALL"},
    {"ssl": True, "ssl_check_hostname": False},
    {"what_a_later_redis_py_brings": 1},
]


@pytest.mark.parametrize(("given", "pairs"), SERVED, ids=str)
def test_what_is_served_becomes_an_option_of_the_engine(given: dict[str, Any], pairs: dict[str, str]) -> None:
    plan = plan_pool(given)

    assert plan is not None
    assert plan.pairs == {**PLAIN, **pairs}


@pytest.mark.parametrize("given", UNSERVED, ids=str)
def test_what_is_not_served_is_not_taken(given: dict[str, Any]) -> None:
    assert plan_pool(given) is None


def test_a_timeout_that_is_switched_off_is_redis_pys_to_honour() -> None:
    # Before version 8 it says nothing there: it is the default.
    assert (plan_pool({"socket_timeout": None}) is None) is IS_8


def test_how_text_is_coded_is_kept() -> None:
    plan = plan_pool({"encoding": "latin-1", "encoding_errors": "replace", "decode_responses": True})

    assert plan is not None
    assert (plan.encoding, plan.encoding_errors, plan.decodes) == ("latin-1", "replace", True)


@pytest.mark.parametrize("given", [{"socket_timeout": 30}, {"max_connections": 2**31}, {"health_check_interval": 30}])
def test_the_engine_takes_what_is_planned(ha_group: HaGroup, given: dict[str, Any]) -> None:
    with Sentinel(ha_group.sentinels) as sentinel:
        client = sentinel.master_for("mymaster", **given)

        assert client.native
        assert client.set("k", "v")
