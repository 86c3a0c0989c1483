package org.sentinelle;

import org.junit.jupiter.api.Test;
import org.sentinelle.junit.HaGroupTest;

@HaGroupTest(replicas = 1, options = "down_after_ms=1000")
class OrdersTest {
    @Test
    void ordersAreTakenAgainAfterTheMasterHasDied(TestGroup group) {
        try (SentinelPool orders = new SentinelPool(group.url())) {
            orders.incr("orders");
            group.kill("master");
            group.await("agreement");
            orders.set("orders", 2);
        }
    }
}
