"""What `SENTINEL CKQUORUM` and `SENTINEL RESET` mean: redis-py takes both for failures when they succeed."""

from __future__ import annotations

from typing import Any


def tell_the_truth(callbacks: Any) -> None:
    """Replaces the callbacks that compare with `OK` what never is `OK`."""
    callbacks["SENTINEL CKQUORUM"] = _starts_with_ok
    callbacks["SENTINEL RESET"] = _is_positive


def _starts_with_ok(reply: Any, **_: Any) -> bool:
    return bytes(reply, "utf-8").startswith(b"OK") if isinstance(reply, str) else bytes(reply).startswith(b"OK")


def _is_positive(reply: Any, **_: Any) -> bool:
    return int(reply) > 0
