"""Where a test suite puts its own objects in the place of the sentinels, these are asked, as redis-py asks them."""

from __future__ import annotations

from typing import Any

import pytest
import redis
import redis.sentinel
import sentinelle.sentinel as mirror
from sentinelle.sentinel import MasterNotFoundError, Sentinel, SentinelConnectionPool, SlaveNotFoundError

UP = {"is_master": True, "is_sdown": False, "is_odown": False, "num-other-sentinels": 2, "ip": "10.0.0.1", "port": 6379}


class Fake:
    """A sentinel's client that answers from a table."""

    def __init__(self, host: str = "h", port: int = 1, state: Any = None, replicas: Any = (), **kwargs: Any) -> None:
        self.state = dict(UP) if state is None else state
        self.replicas = replicas
        self.kwargs = kwargs
        self.asked = 0
        self.is_closed = False

    def sentinel_masters(self) -> dict[str, Any]:
        self.asked += 1
        if isinstance(self.state, Exception):
            raise self.state
        return {"cart": self.state}

    def sentinel_slaves(self, name: str) -> Any:
        if isinstance(self.replicas, Exception):
            raise self.replicas
        return self.replicas

    def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        if isinstance(self.state, Exception):
            raise self.state
        return args

    def close(self) -> None:
        self.is_closed = True
        if isinstance(self.state, Exception):
            raise self.state

    def __repr__(self) -> str:
        return "fake"


def asked(*fakes: Fake, **kwargs: Any) -> Sentinel:
    sentinel = Sentinel([], **kwargs)
    sentinel.sentinels = list(fakes)
    return sentinel


def test_the_modules_redis_makes_the_clients_of_the_sentinels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "Redis", Fake)

    sentinel = Sentinel([("a", 1), ("b", 2)], socket_timeout=1, password="secret")

    assert [type(each) for each in sentinel.sentinels] == [Fake, Fake]
    assert sentinel.sentinels[0].kwargs == sentinel.sentinel_kwargs == {"socket_timeout": 1}
    assert sentinel.discover_master("cart") == ("10.0.0.1", 6379)


def test_the_sentinel_that_answers_is_asked_first_from_then_on() -> None:
    dead, good = Fake(state=redis.ConnectionError("gone")), Fake()
    sentinel = asked(dead, good)

    sentinel.discover_master("cart")
    sentinel.discover_master("cart")

    assert sentinel.sentinels == [good, dead]
    assert (dead.asked, good.asked) == (1, 2)


@pytest.mark.parametrize(
    "state",
    [
        {**UP, "is_sdown": True},
        {**UP, "is_odown": True},
        {**UP, "is_master": False},
        {**UP, "num-other-sentinels": 0},
        redis.ConnectionError("gone"),
        redis.TimeoutError("slow"),
    ],
)
def test_a_master_that_nobody_vouches_for_is_not_found(state: Any) -> None:
    with pytest.raises(MasterNotFoundError, match="No master found for 'cart'") as raised:
        asked(Fake(state=state), min_other_sentinels=1).discover_master("cart")

    assert isinstance(raised.value, redis.sentinel.MasterNotFoundError)
    assert isinstance(raised.value, redis.ConnectionError)
    assert ("fake - " in str(raised.value)) == isinstance(state, Exception)


def test_a_refusal_of_a_sentinel_is_passed_on() -> None:
    with pytest.raises(redis.ResponseError, match="NOPERM"):
        asked(Fake(state=redis.ResponseError("NOPERM"))).discover_master("cart")


def test_the_address_can_be_forced() -> None:
    assert asked(Fake(), force_master_ip="9.9.9.9").discover_master("cart") == ("9.9.9.9", 6379)


def test_replicas_that_are_down_are_left_out() -> None:
    good = {"is_odown": False, "is_sdown": False, "ip": "10.0.0.2", "port": 1}
    down = {**good, "is_sdown": True}
    sentinel = asked(Fake(replicas=redis.ResponseError("no such master")), Fake(replicas=[down]), Fake(replicas=[good]))

    assert sentinel.discover_slaves("cart") == sentinel.discover_replicas("cart") == [("10.0.0.2", 1)]
    assert sentinel.filter_replicas([good, down]) == [("10.0.0.2", 1)]
    assert asked(Fake()).discover_slaves("cart") == []


def test_replicas_are_taken_in_turn_and_then_the_master() -> None:
    replicas = [{"is_odown": False, "is_sdown": False, "ip": "10.0.0.2", "port": port} for port in (1, 2)]
    pool = SentinelConnectionPool("cart", asked(Fake(replicas=replicas)), is_master=False)

    turn = pool.rotate_slaves()
    taken = [next(turn) for _ in range(3)]

    assert sorted(taken[:2]) == [("10.0.0.2", 1), ("10.0.0.2", 2)]
    assert taken[2] == ("10.0.0.1", 6379)
    with pytest.raises(SlaveNotFoundError, match="No slave found for 'cart'"):
        next(turn)


def test_a_pool_knows_which_connections_are_its_own() -> None:
    pool = SentinelConnectionPool("cart", asked(Fake()))
    connection = pool.make_connection()
    connection.host, connection.port = pool.get_master_address()
    owned = bool(pool.owns_connection(connection))
    connection.port = 1

    assert (owned, bool(pool.owns_connection(connection))) == (True, False)
    assert (pool.master_address, pool.is_master, pool.check_connection) == (("10.0.0.1", 6379), True, False)
    pool.reset()
    assert pool.master_address is None


def test_commands_go_to_all_sentinels_or_to_one_that_answers() -> None:
    dead, good = Fake(state=redis.ConnectionError("gone")), Fake()
    both = asked(good, Fake())

    assert both.execute_command("SENTINEL FLUSHCONFIG") is True
    assert len(both.execute_command("X", return_responses=True)) == 2
    assert [asked(dead, good).execute_command("X", once=True) for _ in range(8)] == [True] * 8
    assert asked(good).execute_command("X", once=True, return_responses=True) == [("X",)]
    with pytest.raises(redis.ConnectionError):
        asked(good, dead).execute_command("X")


def test_closing_closes_all_and_then_raises() -> None:
    broken, good = Fake(state=redis.ConnectionError("gone")), Fake()

    with pytest.raises(redis.ConnectionError, match="gone"), asked(broken, good):
        pass

    assert good.is_closed


def test_they_show_themselves_as_redis_pys_do() -> None:
    sentinel = Sentinel([("a", 1), ("b", 2)])
    master, replica = (SentinelConnectionPool("cart", sentinel, is_master=is_master) for is_master in (True, False))
    connection = master.make_connection()

    assert repr(sentinel) == "<sentinelle.sentinel.Sentinel(sentinels=[a:1,b:2])>"
    assert repr(master) == "<sentinelle.sentinel.SentinelConnectionPool(service=cart(master))>"
    assert repr(replica) == "<sentinelle.sentinel.SentinelConnectionPool(service=cart(slave))>"
    assert repr(connection).startswith("<sentinelle.sentinel.SentinelManagedConnection(service=cart,host=")


def test_a_subclass_with_its_own_way_is_asked() -> None:
    class Own(Sentinel):
        def discover_master(self, service_name: str) -> tuple[str, int]:
            return ("own", 1)

    pool = SentinelConnectionPool("cart", Own([("a", 1)]))

    assert pool.get_master_address() == ("own", 1)
    assert Own([("a", 1)]).master_for("cart").native is False


def test_a_pool_with_its_own_way_is_asked_by_its_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = SentinelConnectionPool("cart", asked(Fake()))
    monkeypatch.setattr(pool.proxy, "get_master_address", lambda: ("127.0.0.1", 1))

    with pytest.raises(redis.ConnectionError, match=r"127\.0\.0\.1:1"):
        pool.make_connection().connect()
