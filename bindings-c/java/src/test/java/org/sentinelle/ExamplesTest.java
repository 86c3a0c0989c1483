package org.sentinelle;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.sentinelle.junit.HaGroupTest;

/** The programs under {@code examples/java} do what they say. */
@HaGroupTest(replicas = 1, options = "down_after_ms=1000")
class ExamplesTest {
    private final ByteArrayOutputStream said = new ByteArrayOutputStream();

    @Test
    void theyFindTheMasterAndRunCommands(TestGroup group) throws Exception {
        run("Discover", group.url(), group.name());
        run("Pool", group.url());

        assertTrue(told().contains("master " + group.address("master")), this::told);
        assertTrue(told().contains("colour green") && told().contains("visits 2"), this::told);
    }

    @Test
    void aSentinelIsEmbedded(TestGroup group) throws Exception {
        Address master = group.address("master");

        run("Embed", master.host(), Integer.toString(master.port()));

        assertTrue(told().contains("listens on 127.0.0.1:") && told().contains("+monitor"), this::told);
    }

    @Test
    void aSwitchIsWatched(TestGroup group) throws Exception {
        CompletableFuture<Void> watching = CompletableFuture.runAsync(() -> {
            try {
                run("Watch", group.url(), group.name());
            } catch (Exception failed) {
                throw new IllegalStateException(failed);
            }
        });
        waitUntil(() -> told().contains("master ") || watching.isDone());

        group.failover();
        watching.get(60, TimeUnit.SECONDS);

        assertTrue(told().contains("switched to " + group.address("master")), this::told);
    }

    private void run(String program, String... arguments) throws Exception {
        Method main = Class.forName(program).getMethod("main", String[].class);
        PrintStream before = System.out;
        System.setOut(new PrintStream(said, true, StandardCharsets.UTF_8));
        try {
            main.invoke(null, (Object) arguments);
        } finally {
            System.setOut(before);
        }
    }

    private String told() {
        return said.toString(StandardCharsets.UTF_8);
    }

    private static void waitUntil(BooleanSupplier condition) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() < deadline, "not within a minute");
            Thread.onSpinWait();
        }
    }
}
