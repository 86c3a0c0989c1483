import java.time.Duration;
import java.util.Map;
import org.sentinelle.Address;
import org.sentinelle.Event;
import org.sentinelle.Sentinel;

/** Runs a sentinel inside this process: {@code Embed host port}. */
public final class Embed {
    public static void main(String[] arguments) {
        Address master = new Address(arguments[0], Integer.parseInt(arguments[1]));
        try (Sentinel sentinel = Sentinel.builder()
                .option("listen", "127.0.0.1:0")
                .monitor("cart", master.host(), master.port(), 1, Map.of("down_after_ms", "1000"))
                .start()) {
            System.out.println("listens on " + sentinel.address().orElseThrow());
            Event event = sentinel.nextEvent(Duration.ofSeconds(5)).orElseThrow();
            System.out.println(event.name() + " " + event.text());
        }
    }
}
