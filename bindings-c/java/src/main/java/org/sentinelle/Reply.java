package org.sentinelle;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A server's reply, or a value inside one.
 *
 * <p>Inside is null, a {@link Long}, {@link Double}, {@link Boolean}, {@link BigInteger}, {@code byte[]} (a bulk string),
 * {@link String} (a short text), {@link ServerError}, or a list, set or map of replies.
 */
public final class Reply {
    private final Object value;

    /**
     * An error that stands inside a reply, such as one command's in a pipeline.
     *
     * @param text the server's words, its code first
     */
    public record ServerError(String text) {
        /** The first word, such as {@code WRONGTYPE}. */
        public String code() {
            return text.split(" ", 2)[0];
        }
    }

    /** A reply with this inside. */
    public Reply(Object value) {
        this.value = value;
    }

    /** What is inside. */
    public Object value() {
        return value;
    }

    /** Whether it is nothing. */
    public boolean isNull() {
        return value == null;
    }

    /** Whether it is an error. */
    public boolean isError() {
        return value instanceof ServerError;
    }

    /** The text of a string, number or error; null of nothing. */
    public String asString() {
        if (value == null) {
            return null;
        }
        if (value instanceof byte[] bytes) {
            return new String(bytes, StandardCharsets.UTF_8);
        }
        if (value instanceof ServerError error) {
            return error.text();
        }
        if (value instanceof Collection || value instanceof Map) {
            throw wrong("a text");
        }
        return value.toString();
    }

    /** The bytes of a string; null of nothing. */
    public byte[] asBytes() {
        if (value instanceof byte[] bytes) {
            return bytes.clone();
        }
        String text = asString();
        return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }

    /** A whole number, or a string that is one. */
    public long asLong() {
        if (value instanceof Long number) {
            return number;
        }
        if (value instanceof Boolean is) {
            return is ? 1 : 0;
        }
        try {
            return Long.parseLong(Objects.requireNonNullElse(asString(), ""));
        } catch (NumberFormatException failed) {
            throw wrong("a whole number");
        }
    }

    /** A number, or a string that is one. */
    public double asDouble() {
        if (value instanceof Number number) {
            return number.doubleValue();
        }
        try {
            return Double.parseDouble(Objects.requireNonNullElse(asString(), ""));
        } catch (NumberFormatException failed) {
            throw wrong("a number");
        }
    }

    /** The items of a list or set; of a map its keys and values in turn. */
    @SuppressWarnings("unchecked")
    public List<Reply> asList() {
        if (value instanceof Collection) {
            return List.copyOf((Collection<Reply>) value);
        }
        if (value instanceof Map) {
            return ((Map<Reply, Reply>) value)
                    .entrySet().stream()
                            .flatMap(pair -> List.of(pair.getKey(), pair.getValue()).stream())
                            .toList();
        }
        throw wrong("a list");
    }

    /** A map by the texts of its keys, or a list of keys and values in turn. */
    public Map<String, Reply> asMap() {
        List<Reply> items = asList();
        if (items.size() % 2 == 1) {
            throw wrong("a map");
        }
        Map<String, Reply> map = new LinkedHashMap<>();
        for (int index = 0; index < items.size(); index += 2) {
            map.put(items.get(index).asString(), items.get(index + 1));
        }
        return map;
    }

    private IllegalStateException wrong(String wanted) {
        return new IllegalStateException("the reply is not " + wanted + ": " + this);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Reply reply && Objects.deepEquals(value, reply.value);
    }

    @Override
    public int hashCode() {
        return value instanceof byte[] bytes ? Arrays.hashCode(bytes) : Objects.hashCode(value);
    }

    @Override
    public String toString() {
        return value instanceof byte[] ? asString() : String.valueOf(value);
    }
}
