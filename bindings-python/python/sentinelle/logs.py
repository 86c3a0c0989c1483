"""The engine's log in Python's: records appear under the logger `sentinelle`, with their facts as attributes."""

from __future__ import annotations

import atexit
import logging
import os
import select
import threading
from typing import Any

from . import _sentinelle

__all__ = ["forward_logs", "stop_forwarding"]

_LEVELS = {
    "error": logging.ERROR,
    "warn": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
    "trace": 5,
}
_LOGGER = logging.getLogger("sentinelle")
_LOGGER.addHandler(logging.NullHandler())


def forward_logs(level: str = "info") -> None:
    """Passes the engine's records on to `logging.getLogger("sentinelle")`, from a thread of its own.

    Args:
        level: the quietest level that is kept: `"error"`, `"warn"`, `"info"` (a master changed its state; the default),
            `"debug"` or `"trace"`. What the logger itself lets through is up to `logging`.
    """
    global _FORWARDER
    _sentinelle.set_log_level(level)
    if _FORWARDER is None or _FORWARDER.pid != os.getpid():
        _FORWARDER = _Forwarder()


def stop_forwarding() -> None:
    """Ends what `forward_logs` began."""
    global _FORWARDER
    forwarder, _FORWARDER = _FORWARDER, None
    if forwarder is not None and forwarder.pid == os.getpid():
        forwarder.end()


class _Forwarder:
    def __init__(self) -> None:
        self.pid = os.getpid()
        self._records = _sentinelle.logs()
        self._reader, self._writer = os.pipe()
        self._thread = threading.Thread(target=self._run, name="sentinelle-logs", daemon=True)
        self._thread.start()

    def end(self) -> None:
        os.write(self._writer, b"1")
        self._thread.join(timeout=1)

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._reader, select.POLLIN)
        poll.register(self._records.fd(), select.POLLIN)
        while self._reader not in dict(poll.poll()):
            while (event := self._records.next(0)) is not None:
                facts: dict[str, Any] = {"sentinelle": dict(event.fields)}
                shown = "".join(f" {key}={value}" for key, value in event.fields.items())
                _LOGGER.log(_LEVELS.get(event.name, logging.INFO), "%s%s", event.text, shown, extra=facts)


_FORWARDER: _Forwarder | None = None
atexit.register(stop_forwarding)
