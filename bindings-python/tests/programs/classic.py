"""The program that every tutorial of Redis Sentinel shows, as it is written for redis-py."""

from redis.sentinel import Sentinel

sentinel = Sentinel([("127.0.0.1", 26379), ("127.0.0.1", 26380), ("127.0.0.1", 26381)], socket_timeout=0.1)
print(sentinel.discover_master("mymaster"))
print(sentinel.discover_slaves("mymaster"))
master = sentinel.master_for("mymaster", socket_timeout=0.1, password="123")
slave = sentinel.slave_for("mymaster", socket_timeout=0.1, password="123")
master.set("foo", "bar")
print(slave.get("foo"))
