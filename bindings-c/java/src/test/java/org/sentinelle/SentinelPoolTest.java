package org.sentinelle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.commons.pool2.impl.GenericObjectPoolConfig;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.sentinelle.junit.HaGroupTest;
import org.sentinelle.jedis.SentinelleConnectionProvider;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisException;

/** Commands that reach the master, whoever that is. */
@HaGroupTest(replicas = 1, options = "down_after_ms=1000")
class SentinelPoolTest {
    private static final Duration SOON = Duration.ofSeconds(60);

    private SentinelPool pool;

    @BeforeEach
    void open(TestGroup group) {
        pool = new SentinelPool(group.url() + "?timeout_ms=60000");
    }

    @AfterEach
    void close() {
        pool.close();
    }

    @Test
    void everyTypeOfReplyArrives() {
        pool.set("text", "grün");
        pool.execute("SET", "bytes", new byte[] {0, -1, 1});
        pool.execute("HSET", "hash", "a", 1, "b", 2);

        assertEquals("grün", pool.get("text"));
        assertEquals(3, pool.execute("GET", "bytes").asBytes().length);
        assertEquals(2, pool.execute("HGETALL", "hash").asMap().get("b").asLong());
        assertTrue(pool.execute("GET", "none").isNull());
        assertEquals(3, pool.del("text", "bytes", "hash"));
        SentinelleException failure = assertThrows(SentinelleException.Server.class, () -> {
            pool.set("text", "x");
            pool.incr("text");
        });
        assertEquals(SentinelleException.Outcome.REJECTED, failure.outcome());
    }

    @Test
    void commandsGoTogether() {
        try (Pipeline pipeline = pool.pipeline();
                Pipeline transaction = pool.transaction()) {
            List<Reply> loose = pipeline.add("SET", "n", 1).add("LPUSH", "n", 1).add("INCR", "n").execute();
            List<Reply> atomic = transaction.add("INCR", "n").add("INCR", "n").execute();

            assertTrue(loose.get(1).isError());
            assertEquals(2, loose.get(2).asLong());
            assertEquals(4, atomic.get(1).asLong());
            assertTrue(pipeline.execute().isEmpty());
        }
    }

    @Test
    void aTransactionOnALeaseSeesWhatOthersChange() {
        try (Connection own = pool.getResource()) {
            own.set("stock", 1);
            own.execute("WATCH", "stock");
            pool.set("stock", 2);
            own.execute("MULTI");
            own.execute("SET", "stock", 3);

            assertTrue(own.execute("EXEC").isNull());
            assertTrue(own.isCurrent());
        }
        assertEquals("2", pool.get("stock"));
    }

    @Test
    void aLeaseDoesNotOutliveItsMaster(TestGroup group) {
        try (Connection own = pool.getResource()) {
            own.set("a", 1);
            group.failover();
            pool.set("b", 1);

            assertFalse(own.isCurrent());
            assertThrows(SentinelleException.Moved.class, () -> own.set("a", 2));
        }
    }

    @Test
    void futuresAreCompletedFromTheQueue() throws Exception {
        List<CompletableFuture<Reply>> futures = new ArrayList<>();
        for (int index = 0; index < 200; index++) {
            futures.add(pool.executeAsync("INCR", "count"));
        }
        CompletableFuture.allOf(futures.toArray(CompletableFuture[]::new)).get(60, TimeUnit.SECONDS);

        assertEquals("200", pool.get("count"));
        ExecutionException failed = assertThrows(
                ExecutionException.class, () -> pool.executeAsync("LPUSH", "count", 1).get(60, TimeUnit.SECONDS));
        assertInstanceOf(SentinelleException.Server.class, failed.getCause());
    }

    @Test
    void aSubscriptionTellsOfTheGapThatASwitchLeft(TestGroup group) {
        try (Subscription news = pool.subscribe("news")) {
            pool.execute("PUBLISH", "news", "one");
            assertEquals("one", published(news.next(SOON)));

            group.failover();

            assertInstanceOf(Subscription.Gap.class, news.next(SOON).orElseThrow());
            pool.execute("PUBLISH", "news", "two");
            assertEquals("two", published(news.next(SOON)));
        }
    }

    private static String published(Optional<Subscription.Message> message) {
        return ((Subscription.Published) message.orElseThrow()).payload().asString();
    }

    @Test
    void noAcknowledgedWriteIsLostInAPlannedFailover(TestGroup group) throws Exception {
        Writes writes = new Writes(number -> pool.execute("RPUSH", "log", number));

        writes.during(group, group::failover);

        writes.areAllIn(pool.execute("LRANGE", "log", 0, -1).asList().stream().map(Reply::asString).toList());
    }

    @Test
    void jedisLosesNoAcknowledgedWriteOverOurConnections(TestGroup group) throws Exception {
        try (UnifiedJedis jedis = new UnifiedJedis(new SentinelleConnectionProvider(
                Discovery.open(group.url()),
                group.name(),
                DefaultJedisClientConfig.builder().timeoutMillis(60_000).build(),
                new GenericObjectPoolConfig<>(),
                SOON))) {
            Writes writes = new Writes(number -> jedis.rpush("log", number));

            writes.during(group, group::failover);

            writes.areAllIn(jedis.lrange("log", 0, -1));
        }
    }

    @Test
    void aKilledMasterCostsNoErrorWhereTwiceIsAsGoodAsOnce(TestGroup group) throws Exception {
        Writes writes = new Writes(number -> {
            try {
                pool.set("key-" + number, number);
            } catch (SentinelleException failed) {
                throw new AssertionError(failed);
            }
        });

        writes.during(group, () -> {
            group.kill("master");
            group.await("agreement");
        });

        // What the dead master had acknowledged a moment before may be lost; what the new one has may not.
        List<String> after = writes.acknowledged.subList(writes.acknowledged.size() - 50, writes.acknowledged.size());
        assertEquals(after, after.stream().map(number -> pool.get("key-" + number)).toList());
    }

    /** Writes of a thread, one after the other, and which of them were acknowledged. */
    private static final class Writes {
        interface Write {
            void of(String number);
        }

        private final Write write;
        private final List<String> acknowledged = new ArrayList<>();

        Writes(Write write) {
            this.write = write;
        }

        /** Writes from before {@code event} until 50 writes were acknowledged after it. */
        void during(TestGroup group, Runnable event) throws Exception {
            AtomicBoolean isOver = new AtomicBoolean();
            CountDownLatch begun = new CountDownLatch(50);
            CompletableFuture<Void> writing = CompletableFuture.runAsync(() -> {
                int after = 0;
                for (int number = 0; after < 50; number++) {
                    try {
                        write.of(Integer.toString(number));
                    } catch (SentinelleException | JedisException unknown) {
                        // Not acknowledged: it may be there or not.
                        continue;
                    }
                    acknowledged.add(Integer.toString(number));
                    begun.countDown();
                    after += isOver.get() ? 1 : 0;
                }
            });
            assertTrue(begun.await(60, TimeUnit.SECONDS));
            allSentinelsAreHeard(group);
            event.run();
            isOver.set(true);
            writing.get(60, TimeUnit.SECONDS);
        }

        /** Until the discovery that all share, because they have the same options, knows what each sentinel says. */
        private static void allSentinelsAreHeard(TestGroup group) {
            long deadline = System.nanoTime() + SOON.toNanos();
            try (Discovery discovery = Discovery.open(group.url())) {
                discovery.resolve(group.name(), SOON);
                while (discovery.look(group.name()).json().split("\"agrees\"").length != 4) {
                    assertTrue(System.nanoTime() < deadline, () -> discovery.look(group.name()).json());
                    discovery.refresh(group.name(), SOON);
                }
            }
        }

        void areAllIn(List<String> kept) {
            Set<String> there = new HashSet<>(kept);
            List<String> lost = acknowledged.stream().filter(number -> !there.contains(number)).toList();
            assertEquals(List.of(), lost, () -> "of " + acknowledged.size() + " acknowledged");
        }
    }
}
