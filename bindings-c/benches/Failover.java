import java.util.Arrays;
import java.util.Map;
import org.sentinelle.Address;
import org.sentinelle.SentinelPool;
import org.sentinelle.TestGroup;

/** From Java: how soon a group is ready, how many acknowledged writes a planned failover loses, how long the longest one waits. */
public final class Failover {
    private static final int ROUNDS = 20;
    private static final int AROUND = 500;

    public static void main(String[] arguments) {
        measure("real");
        measure("stock");
    }

    private static void measure(String backend) {
        double[] ready = new double[ROUNDS];
        double[] waited = new double[ROUNDS];
        long written = 0;
        long lost = 0;
        for (int round = 0; round < ROUNDS; round++) {
            long begin = System.nanoTime();
            try (TestGroup group = TestGroup.start(Map.of("backend", backend, "patience_ms", "30000"))) {
                ready[round] = millisSince(begin);
                try (SentinelPool pool = new SentinelPool(group.url() + "?timeout_ms=10000")) {
                    long acknowledged = writeThrough(group, pool, waited, round);
                    group.await("agreement");
                    written += acknowledged;
                    lost += acknowledged - group.command("master", "SCARD", "writes").asLong();
                }
            }
        }
        System.out.printf(
                "Java, %-5s sentinels: ready after %.0f ms, %d of %d acknowledged writes lost in %d failovers, "
                        + "the longest waited %.0f ms%n",
                backend, median(ready), lost, written, ROUNDS, median(waited));
    }

    /** Writes through a planned failover; gives how many writes were acknowledged. */
    private static long writeThrough(TestGroup group, SentinelPool pool, double[] waited, int round) {
        int number = 0;
        for (; number < AROUND; number++) {
            pool.execute("SADD", "writes", number);
        }
        Address old = group.address("master");
        group.fault("failover");
        boolean hasMoved = false;
        for (int since = 0; since < AROUND; number++) {
            long begin = System.nanoTime();
            pool.execute("SADD", "writes", number);
            waited[round] = Math.max(waited[round], millisSince(begin));
            hasMoved = hasMoved || number % 20 == 0 && !group.address("master").equals(old);
            since += hasMoved ? 1 : 0;
        }
        return number;
    }

    private static double millisSince(long begin) {
        return (System.nanoTime() - begin) / 1e6;
    }

    private static double median(double[] values) {
        Arrays.sort(values);
        return values[values.length / 2];
    }
}
