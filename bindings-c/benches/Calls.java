import java.util.Arrays;
import java.util.function.IntConsumer;
import org.sentinelle.Address;
import org.sentinelle.Discovery;
import org.sentinelle.SentinelPool;
import org.sentinelle.internal.Abi;
import org.sentinelle.internal.Bridge;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisPooled;

/** How long a call takes from Java: an empty one, a GET through the pool, and the same GET through Jedis, in turns. */
public final class Calls {
    private static final int ROUNDS = 21;
    private static final int COMMANDS = 5_000;
    private static final int CALLS = 100_000;

    public static void main(String[] arguments) {
        String url = System.getenv("SENTINELLE_URL");
        String bridge = Bridge.get().name();
        Abi abi = Bridge.get().abi();
        try (Discovery discovery = Discovery.open(url);
                SentinelPool pool = new SentinelPool(url)) {
            Address master = discovery.master("mymaster", java.time.Duration.ofSeconds(5));
            pool.set("key", "0123456789abcdef");
            try (Jedis jedis = new Jedis(master.host(), master.port());
                    JedisPooled pooled = new JedisPooled(master.host(), master.port())) {
                double[][] times = new double[4][ROUNDS];
                IntConsumer round = number -> {
                    times[0][number] = nanoseconds(CALLS, () -> abi.snl_abi());
                    times[1][number] = nanoseconds(COMMANDS, () -> pool.get("key"));
                    times[2][number] = nanoseconds(COMMANDS, () -> jedis.get("key"));
                    times[3][number] = nanoseconds(COMMANDS, () -> pooled.get("key"));
                };
                // The compiler of the JVM wants to see everything some thousand times.
                for (int warm = 0; warm < 10; warm++) {
                    round.accept(0);
                }
                for (int number = 0; number < ROUNDS; number++) {
                    round.accept(number);
                }
                double ours = median(times[1]);
                say("%s: a call that does nothing       %8.1f ns", bridge, median(times[0]));
                say("%s: GET, SentinelPool              %8.2f us", bridge, ours / 1000);
                say("%s: GET, Jedis, one connection     %8.2f us", bridge, median(times[2]) / 1000);
                say("%s: GET, JedisPooled               %8.2f us", bridge, median(times[3]) / 1000);
                say("%s: commands of ours / Jedis       %8.2f", bridge, median(times[2]) / ours);
                say("%s: commands of ours / JedisPooled %8.2f", bridge, median(times[3]) / ours);
            }
        }
    }

    private static double nanoseconds(int calls, Runnable call) {
        long begin = System.nanoTime();
        for (int index = 0; index < calls; index++) {
            call.run();
        }
        return (System.nanoTime() - begin) / (double) calls;
    }

    private static double median(double[] values) {
        Arrays.sort(values);
        return values[values.length / 2];
    }

    private static void say(String format, Object... values) {
        System.out.printf("Java, " + format + "%n", values);
    }
}
