"""Clients for URLs that name sentinels: `redis+sentinel://user:password@host:port,host:port/name/db`."""

from __future__ import annotations

from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl, unquote

__all__ = ["from_url", "names_sentinels"]

_SCHEMES = {"redis+sentinel": False, "rediss+sentinel": True}


def names_sentinels(url: str) -> bool:
    """Whether the URL is one of sentinels."""
    return url.partition("://")[0] in _SCHEMES


def from_url(url: str, *, redis_class: Any = None, asyncio: bool = False, **kwargs: Any) -> Any:
    """A client for the master that a URL names.

    `redis+sentinel://[user:password@]host[:port][,host[:port]...]/name[/db][?key=value&...]`; `rediss+sentinel` for TLS
    to the servers. Keys are `sentinel_username`, `sentinel_password`, `sentinel_ssl`, `role` (`master`, the
    default, or `replica`), and any keyword of `redis.Redis`. Keywords given here come before those of the URL.

    Args:
        url: the URL.
        redis_class: the client's class; default `sentinelle.Redis`.
        asyncio: make an asyncio client; default `False`.
        kwargs: how to connect, as `redis.Redis` has them.

    Raises:
        ValueError: the URL cannot be read; the message says why.
    """
    mirror = import_module("sentinelle.asyncio.sentinel" if asyncio else "sentinelle.sentinel")

    hosts, name, sentinel_kwargs, connection = _read(url)
    connection.update(kwargs)
    role = connection.pop("role", "master")
    finder = mirror.Sentinel(hosts, sentinel_kwargs=sentinel_kwargs, **connection)
    make = finder.slave_for if role in ("replica", "slave") else finder.master_for
    return make(name) if redis_class is None else make(name, redis_class=redis_class)


def _read(url: str) -> tuple[list[tuple[str, int]], str, dict[str, Any], dict[str, Any]]:
    scheme, _, rest = url.partition("://")
    if scheme not in _SCHEMES:
        raise ValueError(f"the URL's scheme is none of {', '.join(_SCHEMES)}: {scheme!r}")
    place, _, query = rest.partition("?")
    place, _, path = place.partition("/")
    account, _, places = place.rpartition("@")
    name, _, database = path.partition("/")
    if not places or not name:
        raise ValueError("the URL names no sentinel" if not places else "the URL names no master")
    connection = _read_query(query)
    if _SCHEMES[scheme]:
        connection["ssl"] = True
    user, _, password = account.rpartition(":")
    connection.update({key: unquote(text) for key, text in (("username", user), ("password", password)) if text})
    if database:
        connection["db"] = _to_number("db", database)
    sentinel_kwargs = {
        key: connection.pop("sentinel_" + key) for key in _OF_SENTINELS if "sentinel_" + key in connection
    }
    return [_read_host(part) for part in places.split(",")], unquote(name), sentinel_kwargs, connection


def _read_host(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or port.endswith("]"):
        host, port = text, "26379"
    return host.removeprefix("[").removesuffix("]"), _to_number("port", port)


def _read_query(query: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for key, text in parse_qsl(query, keep_blank_values=True):
        if key in _SWITCHES:
            options[key] = text.lower() in ("1", "yes", "true", "on", "")
        elif key in _NUMBERS:
            options[key] = _to_number(key, text)
        else:
            options[key] = text
    return options


def _to_number(key: str, text: str) -> Any:
    try:
        return int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError:
        raise ValueError(f"the URL's {key} is no number: {text!r}") from None


_OF_SENTINELS = ("username", "password", "ssl", "ssl_ca_certs", "ssl_cert_reqs", "ssl_certfile", "ssl_keyfile")
_SWITCHES = {"decode_responses", "sentinel_ssl", "ssl", "socket_keepalive", "ssl_check_hostname", "legacy_responses"}
_NUMBERS = {"db", "socket_timeout", "socket_connect_timeout", "max_connections", "health_check_interval", "protocol"}
