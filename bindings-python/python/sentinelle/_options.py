"""Which of redis-py's keywords the engine serves, and as which of its options; one table for each kind of server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import redis

REDIS_VERSION: Final[tuple[int, ...]] = tuple(int(part) for part in redis.__version__.split(".")[:2] if part.isdigit())


class _UnservedError(Exception):
    """A keyword, or a value of it, that only redis-py's connections honour."""


@dataclass
class PoolPlan:
    """What a native pool is opened with."""

    pairs: dict[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"
    encoding_errors: str = "strict"
    decodes: bool = False


def plan_pool(given: Mapping[str, Any]) -> PoolPlan | None:
    """Reads the keywords of a pool; `None` when one of them is not served.

    Keywords that are `None` say nothing, as in redis-py.
    """
    plan = PoolPlan(pairs=dict(_DEFAULTS))
    try:
        for key, value in given.items():
            _read_keyword(plan, key, value)
        plan.pairs.update(_read_tls(given, ""))
    except _UnservedError:
        return None
    return plan


def plan_sentinel(kwargs: Mapping[str, Any], is_tls: bool) -> dict[str, str] | None:
    """Reads how a client for a sentinel connects; `None` when only redis-py can."""
    try:
        if kwargs.get("redis_connect_func") is not None:
            raise _UnservedError
        pairs = _read_credentials(kwargs, "sentinel_")
        pairs.update(_read_tls({**kwargs, "ssl": is_tls}, "sentinel_"))
    except _UnservedError:
        return None
    return pairs


def plan_verification(kwargs: Mapping[str, Any]) -> dict[str, str]:
    """How the engine connects to servers to see whether they are masters; no verification where it cannot."""
    try:
        return {**_read_credentials(kwargs, ""), **_read_tls(kwargs, "")}
    except _UnservedError:
        return {"verify": "off"}


def _read_keyword(plan: PoolPlan, key: str, value: Any) -> None:
    if key in _OF_TLS or key in _WITHOUT_MEANING or (value is None and key in _NONE_IS_DEFAULT):
        return
    serve = _KEYWORDS.get(key)
    if serve is None:
        raise _UnservedError
    serve(plan, value)


def _read_credentials(kwargs: Mapping[str, Any], prefix: str) -> dict[str, str]:
    provider = kwargs.get("credential_provider")
    username, password = kwargs.get("username"), kwargs.get("password")
    if provider is not None:
        credentials = tuple(provider.get_credentials())
        username, password = credentials if len(credentials) == 2 else (None, credentials[0])
    pairs = {"username": username, "password": password}
    return {prefix + key: str(value) for key, value in pairs.items() if value}


def _read_tls(kwargs: Mapping[str, Any], prefix: str) -> dict[str, str]:
    is_tls = kwargs.get("ssl") or getattr(kwargs.get("connection_class"), "__name__", "").endswith("SSLConnection")
    if not is_tls:
        return {}
    if any(kwargs.get(key) for key in _UNSERVED_OF_TLS):
        raise _UnservedError
    wants = kwargs.get("ssl_cert_reqs", "required")
    is_insecure = wants in (None, "none", 0)
    if not is_insecure and (wants not in ("required", 2) or kwargs.get("ssl_check_hostname") is False):
        raise _UnservedError
    files = {"ca_file": "ssl_ca_certs", "cert_file": "ssl_certfile", "key_file": "ssl_keyfile"}
    pairs = {f"{prefix}tls_{key}": str(kwargs[keyword]) for key, keyword in files.items() if kwargs.get(keyword)}
    return {f"{prefix}tls": "yes", f"{prefix}tls_insecure": "yes" if is_insecure else "no", **pairs}


def _option(key: str) -> Callable[[PoolPlan, Any], None]:
    def serve(plan: PoolPlan, value: Any) -> None:
        plan.pairs[key] = str(value)

    return serve


def _seconds(key: str) -> Callable[[PoolPlan, Any], None]:
    def serve(plan: PoolPlan, value: Any) -> None:
        if not isinstance(value, (int, float)) or value <= 0:
            raise _UnservedError
        plan.pairs[key] = str(max(1, round(value * 1000)))

    return serve


def _silence(plan: PoolPlan, value: Any) -> None:
    _seconds("response_timeout_ms")(plan, value)
    # Whoever lets one attempt take longer than a command usually may in all means all of it.
    longest = max(int(plan.pairs["response_timeout_ms"]), int(_DEFAULTS["timeout_ms"]))
    plan.pairs["timeout_ms"] = str(longest)


def _health(plan: PoolPlan, value: Any) -> None:
    # Without an interval the engine has its own.
    if value != 0:
        _seconds("ping_after_ms")(plan, value)


def _most(plan: PoolPlan, value: Any) -> None:
    if not isinstance(value, int) or value < 1:
        raise _UnservedError
    plan.pairs["max"] = str(min(value, _MOST_CONNECTIONS))


def _attribute(name: str) -> Callable[[PoolPlan, Any], None]:
    return lambda plan, value: setattr(plan, name, value)


def _only(*values: Any) -> Callable[[PoolPlan, Any], None]:
    def serve(_: PoolPlan, value: Any) -> None:
        if value not in values:
            raise _UnservedError

    return serve


def _protocol(plan: PoolPlan, value: Any) -> None:
    if str(value) not in ("2", "3"):
        raise _UnservedError
    plan.pairs["protocol"] = str(value)


_KEYWORDS: Final[dict[str, Callable[[PoolPlan, Any], None]]] = {
    "client_name": _option("client_name"),
    "db": _option("db"),
    "decode_responses": _attribute("decodes"),
    "encoding": _attribute("encoding"),
    "encoding_errors": _attribute("encoding_errors"),
    "health_check_interval": _health,
    "legacy_responses": _only(True, False),
    "max_connections": _most,
    "password": _option("password"),
    "protocol": _protocol,
    "retry_on_error": _only([], ()),
    "retry_on_timeout": _only(False),
    "single_connection_client": _only(False),
    "socket_connect_timeout": _seconds("connect_time_ms"),
    "socket_keepalive": _only(True),
    "socket_timeout": _silence,
    "username": _option("username"),
}
# The most connections that a native pool may have.
_MOST_CONNECTIONS: Final = 10_000
# What redis-py of this version does when it is told nothing; but a command ends after 5 seconds with each of them.
_DEFAULTS: Final[dict[str, str]] = {
    "max": "100" if REDIS_VERSION >= (8,) else str(_MOST_CONNECTIONS),
    "protocol": "3" if REDIS_VERSION >= (8,) else "2",
    "response_timeout_ms": "5000",
    "timeout_ms": "5000",
}
# Since version 8 redis-py has timeouts of its own, which `None` switches off.
_NONE_IS_ENDLESS: Final = frozenset({"socket_timeout"} if REDIS_VERSION >= (8,) else ())
_NONE_IS_DEFAULT: Final = frozenset(_KEYWORDS) - _NONE_IS_ENDLESS | {
    "cache", "cache_config", "credential_provider", "driver_info", "event_dispatcher", "lib_name", "lib_version",
    "maint_notifications_config", "redis_connect_func", "retry", "socket_keepalive_options", "socket_type",
}  # fmt: skip
# They are about the mirror, not about the connection.
_WITHOUT_MEANING: Final = frozenset({"is_master", "check_connection"})
_OF_TLS: Final = frozenset(
    {
        "ssl", "ssl_ca_certs", "ssl_ca_data", "ssl_ca_path", "ssl_cert_reqs", "ssl_certfile", "ssl_check_hostname",
        "ssl_ciphers", "ssl_exclude_verify_flags", "ssl_include_verify_flags", "ssl_keyfile", "ssl_min_version",
        "ssl_ocsp_context", "ssl_ocsp_expected_cert", "ssl_password", "ssl_validate_ocsp", "ssl_validate_ocsp_stapled",
    }
)  # fmt: skip
_UNSERVED_OF_TLS: Final = _OF_TLS - {
    "ssl", "ssl_ca_certs", "ssl_cert_reqs", "ssl_certfile", "ssl_check_hostname", "ssl_keyfile",
}  # fmt: skip
