package org.sentinelle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A sentinel inside this process. */
class SentinelTest {
    private static final Duration SOON = Duration.ofSeconds(60);

    private static Sentinel started() {
        return Sentinel.builder()
                .option("listen", "127.0.0.1:0")
                .monitor("cart", "127.0.0.1", 1, 1, Map.of("down_after_ms", "60000"))
                .start();
    }

    @Test
    void itAnswersInsideAndOutsideTheProcess() throws IOException {
        try (Sentinel sentinel = started()) {
            Address address = sentinel.address().orElseThrow();
            try (Socket socket = new Socket(address.host(), address.port())) {
                socket.getOutputStream().write("PING\r\n".getBytes(StandardCharsets.US_ASCII));
                assertEquals("+PONG\r\n", new String(socket.getInputStream().readNBytes(7), StandardCharsets.US_ASCII));
            }
            assertEquals("PONG", sentinel.command("PING").asString());
            assertEquals(sentinel.id(), sentinel.command("SENTINEL", "MYID").asString());
            Map<String, Reply> master = sentinel.command("SENTINEL", "MASTER", "cart").asMap();
            assertEquals("60000", master.get("down-after-milliseconds").asString());
            assertTrue(sentinel.status().contains("\"cart\""));
        }
    }

    @Test
    void mastersComeAndGo() {
        try (Sentinel sentinel = started()) {
            sentinel.monitor("orders", "127.0.0.1", 2, 1, Map.of());
            sentinel.set("orders", "down_after_ms", "1234");

            Map<String, Reply> orders = sentinel.command("SENTINEL", "MASTER", "orders").asMap();
            assertEquals(1234, orders.get("down-after-milliseconds").asLong());
            sentinel.remove("orders");
            SentinelleException gone = assertThrows(SentinelleException.Server.class, () -> sentinel.remove("orders"));
            assertEquals(SentinelleException.Outcome.REJECTED, gone.outcome());
        }
    }

    @Test
    void itsEventsAreToldFromTheStart() {
        try (Sentinel sentinel = started()) {
            Optional<Event> event = sentinel.nextEvent(SOON);
            while (event.isPresent() && !event.get().name().equals("+monitor")) {
                event = sentinel.nextEvent(SOON);
            }
            assertEquals("cart", event.orElseThrow().master());
            assertTrue(event.get().json().contains("\"+monitor\""));
        }
    }

    @Test
    void aFileThatCannotBeUsedIsRefusedByItsLine(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("sentinel.conf"), "port 0\nsentinel down-afer cart 1\n");

        SentinelleException failure =
                assertThrows(SentinelleException.Config.class, () -> Sentinel.fromFile(file).close());

        assertTrue(failure.getMessage().contains("line 2"), failure.getMessage());
    }

    @Test
    void anUnknownOptionIsRefusedByItsName() {
        SentinelleException failure = assertThrows(
                SentinelleException.Config.class,
                () -> Sentinel.builder().option("lisen", "127.0.0.1:0").start().close());

        assertTrue(failure.getMessage().contains("lisen"), failure.getMessage());
    }

    @Test
    void aClosedSentinelRefusesEveryCall() {
        Sentinel sentinel = started();
        sentinel.close();
        sentinel.close();

        assertThrows(SentinelleException.Handle.class, () -> sentinel.command("PING"));
        assertEquals("", sentinel.id());
    }
}
