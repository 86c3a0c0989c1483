package org.sentinelle;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.sentinelle.internal.Bridge;
import org.sentinelle.internal.Command;
import org.sentinelle.internal.Config;
import org.sentinelle.internal.Frame;
import org.sentinelle.internal.Handle;
import org.sentinelle.internal.Replies;
import org.sentinelle.internal.Words;

/**
 * Connections to a master that is found through sentinels, and to its replicas; threads share it.
 *
 * <p>Commands survive a failover: writes wait while a replica is promoted, and are tried again where that is safe.
 *
 * <pre>{@code
 * try (SentinelPool pool = new SentinelPool("redis+sentinel://127.0.0.1:26379/cart")) {
 *     pool.set("colour", "green");
 *     try (Connection own = pool.getResource()) {
 *         own.execute("WATCH", "colour");
 *     }
 * }
 * }</pre>
 */
public final class SentinelPool extends Handle implements Commands {
    private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(5);
    private static final Duration LEASE_PATIENCE = Duration.ofSeconds(5);

    private volatile Results results;

    /** Opens a pool for {@code redis+sentinel://[user:password@]host:port,host:port/master[/db]?key=value}. */
    public SentinelPool(String url) {
        super(open(url), Bridge.get().abi()::snl_pool_free);
    }

    /** Opens a pool with options, of which {@code sentinels} and {@code master} are needed. */
    public SentinelPool(Map<String, String> options) {
        super(open(options), Bridge.get().abi()::snl_pool_free);
    }

    /** Opens a pool over a discovery, with options of its own. */
    public SentinelPool(Discovery discovery, String master, Map<String, String> options) {
        super(open(discovery, master, options), Bridge.get().abi()::snl_pool_free);
    }

    private static long open(String url) {
        try (Frame frame = Frame.open()) {
            long out = frame.slot();
            frame.check(frame.abi().snl_pool_open_url(frame.text(url), out, frame.error()));
            return frame.read(out);
        }
    }

    private static long open(Map<String, String> options) {
        try (Config config = Config.of(options);
                Frame frame = Frame.open()) {
            long out = frame.slot();
            frame.check(frame.abi().snl_pool_open_config(config.handle(), out, frame.error()));
            return frame.read(out);
        }
    }

    private static long open(Discovery discovery, String master, Map<String, String> options) {
        try (Config config = Config.of(options);
                Frame frame = Frame.open()) {
            long out = frame.slot();
            frame.check(frame.abi()
                    .snl_pool_open(discovery.handle(), frame.text(master), config.handle(), out, frame.error()));
            return frame.read(out);
        }
    }

    @Override
    public Reply execute(Object... words) {
        List<byte[]> bytes = Words.of(words);
        try (Frame frame = Frame.open()) {
            long out = frame.slot();
            long packed = frame.packed(bytes);
            long lens = frame.lengths(bytes);
            frame.check(frame.abi()
                    .snl_pool_exec_into(
                            handle(),
                            bytes.size(),
                            packed,
                            lens,
                            0,
                            frame.answer(),
                            frame.answerSize(),
                            out,
                            frame.error()));
            return Replies.take(frame, out);
        }
    }

    /** Runs a command without a thread that waits; the future fails with a {@link SentinelleException}. */
    public CompletableFuture<Reply> executeAsync(Object... words) {
        try (Command command = Command.of(Words.of(words))) {
            return results().submit(handle(), command);
        }
    }

    /** Takes a connection to the master for oneself, for {@code WATCH}, {@code MULTI} and commands that wait. */
    public Connection getResource() {
        return lease(0);
    }

    /** Takes a connection to a replica for oneself. */
    public Connection getReplica() {
        return lease(1);
    }

    private Connection lease(int role) {
        try (Frame frame = Frame.open()) {
            long out = frame.slot();
            frame.check(frame.abi()
                    .snl_pool_checkout(handle(), role, LEASE_PATIENCE.toMillis(), out, frame.error()));
            return new Connection(frame.read(out));
        }
    }

    /** Commands to be sent together. */
    public Pipeline pipeline() {
        return new Pipeline(this, 0);
    }

    /** Commands to be executed together: all or none. */
    public Pipeline transaction() {
        return new Pipeline(this, 1);
    }

    /** A subscription that moves with the master. */
    public Subscription subscribe(String... channels) {
        Subscription subscription = new Subscription(this);
        if (channels.length > 0) {
            subscription.subscribe(channels);
        }
        return subscription;
    }

    /** Its figures, as JSON. */
    public String stats() {
        try (Frame frame = Frame.open()) {
            long out = frame.slot();
            frame.check(frame.abi().snl_pool_stats_json(handle(), out));
            return Replies.take(frame.read(out)).asString();
        }
    }

    /** Closes it once the commands under way are done, after five seconds in any case. */
    @Override
    public void close() {
        Bridge.get().abi().snl_pool_close(handle(), CLOSE_PATIENCE.toMillis());
        synchronized (this) {
            if (results != null) {
                results.close();
            }
        }
        super.close();
    }

    private Results results() {
        Results known = results;
        if (known != null) {
            return known;
        }
        synchronized (this) {
            if (results == null) {
                results = new Results();
            }
            return results;
        }
    }
}
