package org.sentinelle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.sentinelle.jedis.SentinelleConnectionProvider;
import org.sentinelle.junit.HaGroupTest;
import redis.clients.jedis.UnifiedJedis;

/** What the README shows is run here, word for word. */
@HaGroupTest(replicas = 1, options = {"name=cart", "down_after_ms=1000"})
class ReadmeTest {
    @Test
    void aMasterIsFound(TestGroup group) throws Exception {
        String url = group.url();

        try (SentinelPool pool = new SentinelPool(url)) {
            pool.set("colour", "green");
            System.out.println(pool.get("colour"));
        }

        try (SentinelPool pool = new SentinelPool(url)) {
            assertEquals("green", pool.executeAsync("GET", "colour").get(60, TimeUnit.SECONDS).asString());
        }
    }

    @Test
    void aConnectionIsOnesOwn(TestGroup group) {
        String url = group.url();

        try (SentinelPool pool = new SentinelPool(url);
                Connection own = pool.getResource()) {
            own.execute("WATCH", "stock");
            own.execute("MULTI");
            own.execute("INCR", "stock");
            own.execute("EXEC");
        }

        assertEquals("1", group.command("master", "GET", "stock").asString());
    }

    @Test
    void jedisKeepsItsCommands(TestGroup group) {
        String url = group.url();

        try (UnifiedJedis jedis = new UnifiedJedis(new SentinelleConnectionProvider(url, "cart"))) {
            jedis.set("colour", "green");
        }

        assertEquals("green", group.command("master", "GET", "colour").asString());
    }

    @Test
    void aSentinelRuns() {
        try (Sentinel sentinel = Sentinel.builder()
                .option("listen", "127.0.0.1:0")
                .monitor("cart", "127.0.0.1", 6379, 1, Map.of("down_after_ms", "5000"))
                .start()) {
            System.out.println(sentinel.address().orElseThrow());
        }
    }

    @Test
    void everyExampleOfTheReadmeIsRun() throws IOException {
        List<String> missing = new ArrayList<>();
        String run = squeezed(Files.readString(Path.of("src/test/java/org/sentinelle/ReadmeTest.java")))
                + squeezed(Files.readString(Path.of("src/test/java/org/sentinelle/OrdersTest.java")));
        Matcher blocks = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL).matcher(Files.readString(Path.of("README.md")));
        int count = 0;
        while (blocks.find()) {
            count++;
            if (!run.contains(squeezed(blocks.group(1)))) {
                missing.add(blocks.group(1));
            }
        }

        assertTrue(count >= 5, "examples in the README: " + count);
        assertEquals(List.of(), missing);
    }

    private static String squeezed(String code) {
        return String.join(" ", Stream.of(code.split("\\s+")).filter(word -> !word.isEmpty()).toList());
    }
}
