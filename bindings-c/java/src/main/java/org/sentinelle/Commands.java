package org.sentinelle;

/** What runs commands: every command by its words, the most common ones by name. */
public interface Commands {
    /**
     * Runs a command of any words: texts, bytes and numbers.
     *
     * @throws SentinelleException the server's errors among them
     */
    Reply execute(Object... words);

    /** The value of a key; null when there is none ({@code GET}). */
    default String get(String key) {
        return execute("GET", key).asString();
    }

    /** Sets a key ({@code SET}). */
    default void set(String key, Object value) {
        execute("SET", key, value);
    }

    /** Removes keys; how many there were ({@code DEL}). */
    default long del(String... keys) {
        Object[] words = new Object[keys.length + 1];
        words[0] = "DEL";
        System.arraycopy(keys, 0, words, 1, keys.length);
        return execute(words).asLong();
    }

    /** Adds one to a number; the new number ({@code INCR}). */
    default long incr(String key) {
        return execute("INCR", key).asLong();
    }

    /** Whether a key exists ({@code EXISTS}). */
    default boolean exists(String key) {
        return execute("EXISTS", key).asLong() == 1;
    }
}
