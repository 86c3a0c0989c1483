package org.sentinelle.internal;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.LongBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.sentinelle.Reply;

/** Decodes a reply that was fetched in one call. */
public final class Replies {
    private final LongBuffer words;
    private final byte[] blob;
    private int next;

    private Replies(LongBuffer words, byte[] blob) {
        this.words = words;
        this.blob = blob;
    }

    /** The reply of a handle, which is freed. */
    public static Reply take(long handle) {
        Bridge bridge = Bridge.get();
        try (Frame frame = Frame.open()) {
            long places = frame.slot();
            long count = frame.slot();
            long bytes = frame.slot();
            long length = frame.slot();
            frame.check(frame.abi().snl_reply_flat(handle, places, count, bytes, length));
            ByteBuffer rows = bridge.view(frame.read(places), frame.read(count) * Long.BYTES);
            byte[] blob = bridge.bytes(frame.read(bytes), frame.read(length));
            return new Reply(new Replies(rows.asLongBuffer(), blob).value());
        } finally {
            bridge.abi().snl_reply_free(handle);
        }
    }

    /** The reply of a call that had {@link Frame#answer} for it, and {@code out} for one that is larger. */
    public static Reply take(Frame frame, long out) {
        ByteBuffer answer = frame.answered();
        int numbers = (int) answer.getLong(0);
        if (numbers == 0) {
            return take(frame.read(out));
        }
        byte[] blob = new byte[(int) answer.getLong(Long.BYTES)];
        int head = 2 * Long.BYTES;
        answer.get(head + numbers * Long.BYTES, blob);
        return new Reply(new Replies(answer.slice(head, numbers * Long.BYTES).order(answer.order()).asLongBuffer(), blob).value());
    }

    /** The next value with all that stands in it. */
    private Object value() {
        int type = (int) words.get(next++);
        long number = words.get(next++);
        int length = (int) words.get(next++);
        return switch (type) {
            case 1 -> number;
            case 2 -> Double.longBitsToDouble(number);
            case 3 -> number != 0;
            case 4 -> bytes(number, length);
            case 5, 12 -> text(number, length);
            case 6 -> new Reply.ServerError(text(number, length));
            case 7, 10 -> items(length);
            case 8 -> pairs(length);
            case 9 -> different(length);
            case 11 -> new BigInteger(text(number, length));
            default -> null;
        };
    }

    private byte[] bytes(long start, int length) {
        byte[] copy = new byte[length];
        System.arraycopy(blob, (int) start, copy, 0, length);
        return copy;
    }

    private String text(long start, int length) {
        return new String(blob, (int) start, length, StandardCharsets.UTF_8);
    }

    private List<Reply> items(int count) {
        List<Reply> items = new ArrayList<>();
        for (int index = 0; index < count; index++) {
            items.add(new Reply(value()));
        }
        return items;
    }

    private Set<Reply> different(int count) {
        return new LinkedHashSet<>(items(count));
    }

    private Map<Reply, Reply> pairs(int count) {
        Map<Reply, Reply> pairs = new LinkedHashMap<>();
        for (int index = 0; index < count; index++) {
            Reply key = new Reply(value());
            pairs.put(key, new Reply(value()));
        }
        return pairs;
    }
}
