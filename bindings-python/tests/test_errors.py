"""Every kind of failure of the engine has a class, in both tables."""

from __future__ import annotations

import pytest
import redis
from sentinelle import _redis_errors, _sentinelle, errors

KINDS = _sentinelle.error_kinds()


@pytest.mark.parametrize(("kind", "code"), KINDS)
def test_every_kind_of_failure_has_a_class_of_this_package(kind: str, code: int) -> None:
    error = errors.from_failure(kind, code, "it went wrong", "not-sent", True, "h:1", "READONLY")

    assert kind in errors._CLASSES
    assert (error.kind, error.code, error.outcome, error.retryable) == (kind, code, "not-sent", True)
    assert (error.address, error.server_code, str(error)) == ("h:1", "READONLY", "it went wrong")


@pytest.mark.parametrize(("kind", "code"), KINDS)
def test_every_kind_of_failure_has_a_class_of_redis_py(kind: str, code: int) -> None:
    error = _redis_errors.from_failure(kind, code, "it went wrong", None, False, None, None, None)

    assert kind in _redis_errors._CLASSES
    assert isinstance(error, redis.RedisError)


def test_no_class_stands_for_a_kind_that_is_not_there() -> None:
    kinds = {kind for kind, _ in KINDS}

    assert set(errors._CLASSES) == set(_redis_errors._CLASSES) == kinds


def test_a_refusal_of_the_server_is_what_redis_py_makes_of_its_text() -> None:
    text = "WRONGTYPE Operation against a key"

    error = _redis_errors.from_failure("server", 20, "run: " + text, "rejected", False, None, "WRONGTYPE", text)

    assert type(error) is redis.ResponseError
    assert str(error) == text
