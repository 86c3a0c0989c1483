import java.util.List;
import org.sentinelle.Pipeline;
import org.sentinelle.Reply;
import org.sentinelle.SentinelPool;

/** Runs commands that survive a failover: {@code Pool redis+sentinel://host:26379/cart}. */
public final class Pool {
    public static void main(String[] arguments) {
        try (SentinelPool pool = new SentinelPool(arguments[0])) {
            pool.set("colour", "green");
            System.out.println("colour " + pool.get("colour"));

            try (Pipeline pipeline = pool.pipeline()) {
                List<Reply> replies = pipeline.add("INCR", "visits").add("INCR", "visits").execute();
                System.out.println("visits " + replies.get(1).asLong());
            }
        }
    }
}
