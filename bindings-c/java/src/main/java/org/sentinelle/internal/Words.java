package org.sentinelle.internal;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Turns the words of a command into bytes. */
public final class Words {
    private Words() {}

    /** Texts in UTF-8, bytes as they are, numbers in digits. */
    public static List<byte[]> of(Object... words) {
        if (words.length == 0) {
            throw new IllegalArgumentException("a command has at least one word");
        }
        List<byte[]> bytes = new ArrayList<>(words.length);
        for (int index = 0; index < words.length; index++) {
            bytes.add(word(index, words[index]));
        }
        return bytes;
    }

    private static byte[] word(int index, Object word) {
        if (word instanceof byte[] bytes) {
            return bytes;
        }
        if (word instanceof CharSequence || word instanceof Number) {
            return word.toString().getBytes(StandardCharsets.UTF_8);
        }
        throw new IllegalArgumentException("word " + index + " is neither text, bytes nor a number: " + word);
    }
}
