package org.sentinelle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.sentinelle.junit.HaGroupTest;

/** A real group in a test. */
@HaGroupTest(replicas = 1, options = "down_after_ms=1000")
class TestGroupTest {
    private static final Duration SOON = Duration.ofSeconds(60);

    @Test
    void aKilledMasterIsReplaced(TestGroup group) {
        Address old = group.address("master");

        group.kill("master");
        group.await("agreement");

        assertNotEquals(old, group.address("master"));
    }

    @Test
    void theNextTestHasAWholeGroupWithoutData(TestGroup group) {
        group.command("master", "SET", "left", "over");
        group.reset();

        assertNull(group.command("master", "GET", "left").asString());
        assertEquals("slave", group.command("replica", "ROLE").asList().get(0).asString());
        assertTrue(group.url().endsWith("/" + group.name()));
    }

    @Test
    void aDiscoveryFollowsAFailover(TestGroup group) {
        try (Discovery discovery = Discovery.open(group.url())) {
            Topology before = discovery.resolve(group.name(), SOON);
            group.failover();

            Topology after = discovery.waitSwitch(group.name(), before.generation(), SOON);

            assertEquals(group.address("master"), after.master().orElseThrow());
            assertNotEquals(before.master(), after.master());
        }
    }

    @Test
    void aNameNobodyKnowsIsRefusedWithWhatEachSentinelSaid(TestGroup group) {
        try (Discovery discovery = Discovery.open(group.url())) {
            SentinelleException failure = assertThrows(
                    SentinelleException.MasterUnknown.class,
                    () -> discovery.resolve("nobody", Duration.ofSeconds(3)));

            assertTrue(failure.detail().contains("evidence"), failure.detail());
        }
    }

    @Test
    void anUnknownFaultIsRefusedByItsName(TestGroup group) {
        SentinelleException failure =
                assertThrows(SentinelleException.Config.class, () -> group.fault("kil", "member", "master"));

        assertTrue(failure.getMessage().contains("kil"), failure.getMessage());
    }
}
