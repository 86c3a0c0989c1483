"""How Python values become the texts that the engine's options take."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import timedelta

Pairs = list[tuple[str, str]]


def to_pairs(options: Mapping[str, object]) -> Pairs:
    """Options as keys and texts, in order; those that are `None` are left out, a list gives a pair for each item."""
    pairs: Pairs = []
    for key, value in options.items():
        if value is None:
            continue
        if isinstance(value, (list, tuple)) and key.endswith(("_directive", "_option")):
            pairs.extend((key, to_text(item)) for item in value)
        else:
            pairs.append((key, to_text(value)))
    return pairs


def to_text(value: object) -> str:
    """A value as the text an option takes: `yes` or `no`, milliseconds, addresses with commas between."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, timedelta):
        return str(round(value / timedelta(milliseconds=1)))
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], int):
        return to_address(value[0], value[1])
    if isinstance(value, Mapping):
        return ",".join(f"{to_text(key)}={to_text(to)}" for key, to in value.items())
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ",".join(to_text(item) for item in value)
    return str(value)


def to_address(host: object, port: object) -> str:
    """`host:port`, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"


def to_words(words: Iterable[object]) -> list[bytes]:
    """The words of a command."""
    return [word if isinstance(word, bytes) else str(word).encode() for word in words]
