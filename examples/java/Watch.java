import java.time.Duration;
import org.sentinelle.Discovery;
import org.sentinelle.Topology;

/** Tells of the next switch: {@code Watch redis+sentinel://host:26379/cart cart}. */
public final class Watch {
    public static void main(String[] arguments) {
        try (Discovery discovery = Discovery.open(arguments[0])) {
            Topology before = discovery.resolve(arguments[1], Duration.ofSeconds(5));
            System.out.println("master " + before.master().orElseThrow());

            Topology after = discovery.waitSwitch(arguments[1], before.generation(), Duration.ofSeconds(30));
            System.out.println("switched to " + after.master().orElseThrow());
        }
    }
}
