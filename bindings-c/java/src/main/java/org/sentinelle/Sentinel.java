package org.sentinelle;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.sentinelle.internal.Bridge;
import org.sentinelle.internal.Command;
import org.sentinelle.internal.Config;
import org.sentinelle.internal.Frame;
import org.sentinelle.internal.Handle;
import org.sentinelle.internal.Replies;
import org.sentinelle.internal.Words;

/**
 * A sentinel inside this process: it monitors, elects and fails over as redis-sentinel does, and clients may connect to it.
 *
 * <pre>{@code
 * try (Sentinel sentinel = Sentinel.builder().option("listen", "127.0.0.1:0").monitor("cart", "127.0.0.1", 6379, 1).start()) {
 *     System.out.println(sentinel.address());
 * }
 * }</pre>
 */
public final class Sentinel extends Handle {
    private static final Duration STOP_PATIENCE = Duration.ofSeconds(5);

    private Sentinel(long handle) {
        super(handle, Bridge.get().abi()::snl_sentinel_free);
    }

    /** A sentinel to be set up. */
    public static Builder builder() {
        return new Builder();
    }

    /** Starts a sentinel as the file says, which is also where its state is kept. */
    public static Sentinel fromFile(Path path) {
        try (Config config = Config.empty()) {
            return start(config.set("conf_file", path.toString()));
        }
    }

    /** Starts a sentinel as the text of a {@code sentinel.conf} says; the text itself is kept nowhere. */
    public static Sentinel fromText(String text) {
        try (Config config = Config.empty()) {
            return start(config.conf(text));
        }
    }

    private static Sentinel start(Config config) {
        try (Frame frame = Frame.open()) {
            long out = frame.slot();
            frame.check(frame.abi().snl_sentinel_start(config.handle(), out, frame.error()));
            return new Sentinel(frame.read(out));
        }
    }

    /** The first address it listens on; empty when it listens nowhere. */
    public Optional<Address> address() {
        try (Frame frame = Frame.open()) {
            long host = frame.slot();
            long port = frame.slot();
            int code = frame.check(frame.abi().snl_sentinel_address(handle(), host, port));
            return code == 0
                    ? Optional.of(new Address(frame.textAt(frame.read(host)), frame.readInt(port)))
                    : Optional.empty();
        }
    }

    /** Its identity: 40 hexadecimal digits. */
    public String id() {
        Bridge bridge = Bridge.get();
        return bridge.text(bridge.abi().snl_sentinel_id(handle()));
    }

    /** Monitors a further master ({@code SENTINEL MONITOR}, then {@code SENTINEL SET} for its options). */
    public void monitor(String name, String host, int port, int quorum, Map<String, String> options) {
        try (Config own = Config.of(options);
                Frame frame = Frame.open()) {
            frame.check(frame.abi()
                    .snl_sentinel_monitor(
                            handle(), frame.text(name), frame.text(host), port, quorum, own.handle(), frame.error()));
        }
    }

    /** Changes an option of a master ({@code SENTINEL SET}). */
    public void set(String master, String option, String value) {
        try (Frame frame = Frame.open()) {
            frame.check(frame.abi()
                    .snl_sentinel_set(
                            handle(), frame.text(master), frame.text(option), frame.text(value), frame.error()));
        }
    }

    /** Stops monitoring a master ({@code SENTINEL REMOVE}). */
    public void remove(String master) {
        try (Frame frame = Frame.open()) {
            frame.check(frame.abi().snl_sentinel_remove(handle(), frame.text(master), frame.error()));
        }
    }

    /** Orders a failover ({@code SENTINEL FAILOVER}); returns when it has begun. */
    public void failover(String master) {
        try (Frame frame = Frame.open()) {
            frame.check(frame.abi().snl_sentinel_failover(handle(), frame.text(master), frame.error()));
        }
    }

    /** Returns when enough sentinels can be reached for a failover ({@code SENTINEL CKQUORUM}), else throws. */
    public void checkQuorum(String master) {
        try (Frame frame = Frame.open()) {
            frame.check(frame.abi().snl_sentinel_ckquorum(handle(), frame.text(master), frame.error()));
        }
    }

    /** Runs any command as a client inside this process who needs no password. */
    public Reply command(Object... words) {
        try (Command command = Command.of(Words.of(words));
                Frame frame = Frame.open()) {
            long out = frame.slot();
            frame.check(frame.abi().snl_sentinel_command(handle(), command.handle(), out, frame.error()));
            return Replies.take(frame.read(out));
        }
    }

    /** All that it knows at this moment, as JSON. */
    public String status() {
        try (Frame frame = Frame.open()) {
            long out = frame.slot();
            frame.check(frame.abi().snl_sentinel_state_json(handle(), out, frame.error()));
            return Replies.take(frame.read(out)).asString();
        }
    }

    /** The next event, from the start on; empty when none came in time. */
    public Optional<Event> nextEvent(Duration patience) {
        return Event.next(patience, (abi, millis, out, error) ->
                abi.snl_sentinel_event_next(handle(), millis, out, error));
    }

    /** Stops it; its sockets and files are closed when this returns. */
    @Override
    public void close() {
        if (handle() != 0) {
            try (Frame frame = Frame.open()) {
                frame.check(frame.abi().snl_sentinel_stop(handle(), STOP_PATIENCE.toMillis(), frame.error()));
            }
        }
        super.close();
    }

    /** What a sentinel shall be. */
    public static final class Builder {
        private final Map<String, String> options = new LinkedHashMap<>();
        private final List<Consumer<Config>> masters = new ArrayList<>();

        private Builder() {}

        /** Sets an option, such as {@code listen}; the manual lists them. */
        public Builder option(String key, String value) {
            options.put(key, value);
            return this;
        }

        /** Monitors a master. */
        public Builder monitor(String name, String host, int port, int quorum) {
            return monitor(name, host, port, quorum, Map.of());
        }

        /** Monitors a master with options of its own, such as {@code down_after_ms}. */
        public Builder monitor(String name, String host, int port, int quorum, Map<String, String> own) {
            masters.add(config -> config.monitor(name, host, port, quorum, own));
            return this;
        }

        /** Starts it; returns when it listens. */
        public Sentinel start() {
            try (Config config = Config.of(options)) {
                masters.forEach(master -> master.accept(config));
                return Sentinel.start(config);
            }
        }
    }
}
