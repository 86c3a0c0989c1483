"""The mirrors have every name, signature and base of redis-py's modules of the newest version."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any

import pytest
import redis
import redis.asyncio.sentinel
import redis.sentinel
import sentinelle.asyncio.sentinel
import sentinelle.sentinel

PAIRS = [
    (sentinelle.sentinel, redis.sentinel),
    (sentinelle.asyncio.sentinel, redis.asyncio.sentinel),
]
NEWEST = ["discover_replicas", "filter_replicas", "replica_for", "check_master_state", "execute_command"]


def own_classes(module: ModuleType) -> list[str]:
    return [name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_every_class_is_there_and_derives_from_redis_pys(ours: Any, theirs: Any) -> None:
    names = own_classes(theirs)

    assert {"Sentinel", "SentinelConnectionPool", "MasterNotFoundError"} <= set(names)
    for name in names:
        assert issubclass(getattr(ours, name), getattr(theirs, name)), name


@pytest.mark.skipif(int(redis.__version__.split(".")[0]) < 8, reason="the mirror has the signatures of redis-py 8.1")
@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_every_method_has_redis_pys_parameters(ours: Any, theirs: Any) -> None:
    checked = 0
    for class_name in own_classes(theirs):
        for name, method in vars(getattr(theirs, class_name)).items():
            if not inspect.isfunction(method) or (name.startswith("__") and name != "__init__"):
                continue
            mine = getattr(getattr(ours, class_name), name)
            parameters = [(p.name, p.kind) for p in inspect.signature(mine).parameters.values()]
            expected = [(p.name, p.kind) for p in inspect.signature(method).parameters.values()]
            assert parameters == expected, f"{class_name}.{name}"
            checked += 1

    assert checked > 20


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_what_redis_py_8_1_brought_is_there_with_every_version(ours: Any, theirs: Any) -> None:
    for name in NEWEST:
        assert callable(getattr(ours.Sentinel, name))
    assert ours.ReplicaNotFoundError is ours.SlaveNotFoundError
    assert callable(ours.SentinelConnectionPool.rotate_replicas)
    assert hasattr(ours.Sentinel, "close") or hasattr(ours.Sentinel, "aclose")
