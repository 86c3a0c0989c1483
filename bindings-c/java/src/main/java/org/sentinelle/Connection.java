package org.sentinelle;

import org.sentinelle.internal.Bridge;
import org.sentinelle.internal.Command;
import org.sentinelle.internal.Frame;
import org.sentinelle.internal.Handle;
import org.sentinelle.internal.Replies;
import org.sentinelle.internal.Words;

/**
 * A connection to oneself, until it is closed; one thread at a time may use it.
 *
 * <p>Once the master was replaced every command throws {@link SentinelleException.Moved}.
 */
public final class Connection extends Handle implements Commands {
    Connection(long handle) {
        super(handle, Bridge.get().abi()::snl_conn_release);
    }

    /** Runs a command, once; an error reply throws as well. */
    @Override
    public Reply execute(Object... words) {
        Reply reply = executeRaw(words);
        if (reply.value() instanceof Reply.ServerError error) {
            throw SentinelleException.of(
                    SERVER,
                    new SentinelleException.Facts(
                            error.text(), SentinelleException.Outcome.REJECTED, false, error.code(), "", "{}"));
        }
        return reply;
    }

    /** Runs a command, once; an error reply is a reply. */
    public Reply executeRaw(Object... words) {
        try (Command command = Command.of(Words.of(words));
                Frame frame = Frame.open()) {
            long out = frame.slot();
            frame.check(frame.abi().snl_conn_exec(handle(), command.handle(), out, frame.error()));
            return Replies.take(frame.read(out));
        }
    }

    /** Whether its server is still the one to talk to. */
    public boolean isCurrent() {
        return Bridge.get().abi().snl_conn_is_current(handle()) == 1;
    }

    /** The generation it belongs to. */
    public long generation() {
        return Bridge.get().abi().snl_conn_gen(handle());
    }

    /** Closes the connection for good, where {@link #close} gives it back to the pool. */
    public void discard() {
        long last = release();
        if (last != 0) {
            Bridge.get().abi().snl_conn_discard(last);
        }
    }

    /** {@code SNL_E_SERVER} */
    private static final int SERVER = -60;
}
