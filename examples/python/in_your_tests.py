"""How a service is tested through failures of its Redis: run it with `pytest in_your_tests.py`.

The fixtures come with the package. Each test gets the group healed, empty and in sync.
"""

from __future__ import annotations

import redis
from sentinelle.sentinel import Sentinel
from sentinelle.testing import HaGroup


class Orders:
    """A small service that keeps orders in a list; yours takes its place."""

    def __init__(self, sentinels: list[tuple[str, int]], name: str) -> None:
        self.redis: redis.Redis = Sentinel(sentinels).master_for(name, decode_responses=True)

    def take(self, order: str) -> None:
        """Takes an order. One whose fate is unknown is looked for before it is written again."""
        while order not in self.all():
            try:
                self.redis.rpush("orders", order)
            except redis.ConnectionError:
                continue

    def all(self) -> list[str]:
        """Every order there is."""
        orders: list[str] = self.redis.lrange("orders", 0, -1)  # type: ignore[assignment]
        return orders


def test_orders_are_taken_after_the_master_has_died(ha_group: HaGroup) -> None:
    """The master is killed between two orders."""
    orders = Orders(ha_group.sentinels, ha_group.name)
    orders.take("tea")
    ha_group.wait_synced()

    old = ha_group.master()
    ha_group.kill(old)
    orders.take("coffee")

    assert ha_group.wait_agreement() != old
    assert orders.all() == ["tea", "coffee"]


def test_orders_are_taken_although_the_master_has_vanished(ha_group: HaGroup) -> None:
    """The master is cut off from everybody, without a word."""
    orders = Orders(ha_group.sentinels, ha_group.name)
    orders.take("tea")
    ha_group.wait_synced()

    ha_group.isolate(ha_group.master())
    orders.take("coffee")

    assert orders.all() == ["tea", "coffee"]
