import java.time.Duration;
import org.sentinelle.Discovery;
import org.sentinelle.Topology;

/** Finds the master of a group: {@code Discover redis+sentinel://host:26379/cart cart}. */
public final class Discover {
    public static void main(String[] arguments) {
        try (Discovery discovery = Discovery.open(arguments[0])) {
            Topology found = discovery.resolve(arguments[1], Duration.ofSeconds(5));

            System.out.println("master " + found.master().orElseThrow() + ", epoch " + found.epoch());
            found.replicas().forEach(replica -> System.out.println("replica " + replica));
        }
    }
}
