package org.sentinelle;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.sentinelle.internal.Bridge;
import org.sentinelle.internal.Frame;
import org.sentinelle.internal.Handle;
import org.sentinelle.internal.Replies;
import org.sentinelle.internal.Words;

/** A subscription that moves with the master. */
public final class Subscription extends Handle {
    private static final Duration CHANGE_PATIENCE = Duration.ofSeconds(5);

    Subscription(SentinelPool pool) {
        super(open(pool), Bridge.get().abi()::snl_sub_free);
    }

    private static long open(SentinelPool pool) {
        try (Frame frame = Frame.open()) {
            long out = frame.slot();
            frame.check(frame.abi().snl_sub_open(pool.handle(), out, frame.error()));
            return frame.read(out);
        }
    }

    /** What a subscriber is told. */
    public sealed interface Message permits Published, Gap {}

    /**
     * Something that was published.
     *
     * @param channel where
     * @param payload what
     */
    public record Published(String channel, Reply payload) implements Message {}

    /**
     * The master was replaced or the connection lost: messages may have been missed.
     *
     * @param from the generation before
     * @param to the generation now
     * @param millis how long nothing was subscribed
     */
    public record Gap(long from, long to, long millis) implements Message {}

    /** These channels too; returns when the server has confirmed it. */
    public void subscribe(String... channels) {
        change(0, channels);
    }

    /** Not these channels; all when none is named. */
    public void unsubscribe(String... channels) {
        change(1, channels);
    }

    /** These patterns too. */
    public void psubscribe(String... patterns) {
        change(2, patterns);
    }

    /** Not these patterns; all when none is named. */
    public void punsubscribe(String... patterns) {
        change(3, patterns);
    }

    private void change(int operation, String... names) {
        List<byte[]> bytes = names.length == 0 ? List.of() : Words.of((Object[]) names);
        try (Frame frame = Frame.open()) {
            long argv = frame.words(bytes);
            long lens = frame.lengths(bytes);
            frame.check(frame.abi()
                    .snl_sub_change(
                            handle(), operation, bytes.size(), argv, lens, CHANGE_PATIENCE.toMillis(), frame.error()));
        }
    }

    /** The next message or gap; empty when none came in time. */
    public Optional<Message> next(Duration patience) {
        try (Frame frame = Frame.open()) {
            long out = frame.slot();
            int code = frame.check(
                    frame.abi().snl_sub_next(handle(), patience.toMillis(), out, frame.error()));
            return code == 0 ? Optional.of(said(Replies.take(frame.read(out)).asList())) : Optional.empty();
        }
    }

    private static Message said(List<Reply> words) {
        if (words.get(0).asString().equals("gap")) {
            return new Gap(words.get(1).asLong(), words.get(2).asLong(), words.get(3).asLong());
        }
        int last = words.size() - 1;
        return new Published(words.get(last - 1).asString(), words.get(last));
    }
}
