import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.sentinelle.SentinelPool;
import org.sentinelle.TestGroup;
import org.sentinelle.junit.HaGroupTest;

/** A service of one's own, through a failover, a partition and a stale master. */
@HaGroupTest(replicas = 1, options = "down_after_ms=1000")
class InYourTests {
    @Test
    void ordersAreTakenAgainAfterTheMasterHasDied(TestGroup group) {
        try (SentinelPool orders = new SentinelPool(group.url())) {
            orders.set("order:1", "paid");
            group.kill("master");
            group.await("agreement");

            orders.set("order:2", "paid");

            assertEquals("paid", orders.get("order:2"));
        }
    }

    @Test
    void ordersAreTakenAlthoughTheMasterHasVanishedWithoutAWord(TestGroup group) {
        try (SentinelPool orders = new SentinelPool(group.url() + "?timeout_ms=60000")) {
            orders.set("order:1", "paid");
            String old = group.address("master").toString();
            group.isolate("master");

            orders.set("order:2", "paid");

            assertEquals("paid", orders.get("order:2"));
            group.heal();
            group.await("agreement");
            assertEquals(false, group.address("master").toString().equals(old));
        }
    }
}
