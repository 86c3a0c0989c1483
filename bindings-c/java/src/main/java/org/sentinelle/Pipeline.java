package org.sentinelle;

import java.util.List;
import org.sentinelle.internal.Bridge;
import org.sentinelle.internal.Frame;
import org.sentinelle.internal.Handle;
import org.sentinelle.internal.Replies;
import org.sentinelle.internal.Words;

/** Commands that are sent together; one thread at a time may use it. */
public final class Pipeline extends Handle {
    private final SentinelPool pool;

    Pipeline(SentinelPool pool, int atomic) {
        super(open(atomic), Bridge.get().abi()::snl_pipe_free);
        this.pool = pool;
    }

    private static long open(int atomic) {
        try (Frame frame = Frame.open()) {
            long out = frame.slot();
            frame.check(frame.abi().snl_pipe_new(atomic, out));
            return frame.read(out);
        }
    }

    /** Adds a command. */
    public Pipeline add(Object... words) {
        List<byte[]> bytes = Words.of(words);
        try (Frame frame = Frame.open()) {
            long argv = frame.words(bytes);
            frame.check(frame.abi().snl_pipe_add_argv(handle(), bytes.size(), argv, frame.lengths(bytes)));
            return this;
        }
    }

    /** Sends them; one reply for each, errors among them. The pipeline is empty then. */
    public List<Reply> execute() {
        try (Frame frame = Frame.open()) {
            long out = frame.slot();
            frame.check(frame.abi().snl_pipe_exec(handle(), pool.handle(), out, frame.error()));
            return Replies.take(frame.read(out)).asList();
        }
    }
}
