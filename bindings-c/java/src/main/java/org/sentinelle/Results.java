package org.sentinelle;

import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.sentinelle.internal.Abi;
import org.sentinelle.internal.Bridge;
import org.sentinelle.internal.Command;
import org.sentinelle.internal.Failures;
import org.sentinelle.internal.Frame;
import org.sentinelle.internal.Handle;
import org.sentinelle.internal.Replies;

/** Completes futures from the library's queue of results, by one thread. */
final class Results extends Handle {
    private static final long WAIT_MILLIS = 500;

    private final Map<Long, CompletableFuture<Reply>> waiting = new ConcurrentHashMap<>();
    private final AtomicLong lastTag = new AtomicLong();
    private final Thread thread = new Thread(this::run, "sentinelle-results");
    private volatile boolean isClosed;

    Results() {
        super(open(), Bridge.get().abi()::snl_cq_free);
        thread.setDaemon(true);
        thread.start();
    }

    private static long open() {
        try (Frame frame = Frame.open()) {
            long out = frame.slot();
            frame.check(frame.abi().snl_cq_new(out));
            return frame.read(out);
        }
    }

    CompletableFuture<Reply> submit(long pool, Command command) {
        long tag = lastTag.incrementAndGet();
        CompletableFuture<Reply> future = new CompletableFuture<>();
        waiting.put(tag, future);
        try (Frame frame = Frame.open()) {
            frame.check(frame.abi().snl_pool_submit(pool, handle(), command.handle(), tag, frame.error()));
        } catch (SentinelleException failed) {
            waiting.remove(tag);
            future.completeExceptionally(failed);
        }
        return future;
    }

    private void run() {
        while (!isClosed) {
            try (Frame frame = Frame.open()) {
                long tag = frame.slot();
                long reply = frame.slot();
                long error = frame.slot();
                Abi abi = frame.abi();
                int code = abi.snl_cq_next(handle(), WAIT_MILLIS, tag, reply, error);
                if (code == 0) {
                    complete(frame.read(tag), frame.read(reply), frame.read(error));
                } else if (code < 0) {
                    return;
                }
            }
        }
    }

    private void complete(long tag, long reply, long error) {
        CompletableFuture<Reply> future = waiting.remove(tag);
        if (error != 0) {
            Bridge bridge = Bridge.get();
            SentinelleException failed = Failures.of(bridge, bridge.abi().snl_error_code(error), error);
            if (future != null) {
                future.completeExceptionally(failed);
            }
            return;
        }
        Reply given = Replies.take(reply);
        if (future != null) {
            future.complete(given);
        }
    }

    @Override
    public void close() {
        isClosed = true;
        try {
            thread.join(2 * WAIT_MILLIS);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
        super.close();
        waiting.values().forEach(future -> future.cancel(false));
        waiting.clear();
    }
}
