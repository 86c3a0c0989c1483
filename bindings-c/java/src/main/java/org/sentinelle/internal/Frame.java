package org.sentinelle.internal;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** The memory of one call: arguments and places for results, given back when it is closed. */
public final class Frame implements AutoCloseable {
    private static final int USUAL = 16 * 1024;
    private static final int ANSWER = 16 * 1024;
    private static final ThreadLocal<Frame> FREE = ThreadLocal.withInitial(Frame::new);

    private final Bridge bridge = Bridge.get();
    private final ByteBuffer usual = Bridge.direct(USUAL);
    private final long usualAddress = bridge.addressOf(usual);
    private final ByteBuffer answer = Bridge.direct(ANSWER);
    private final long answerAddress = bridge.addressOf(answer);
    /** Keeps what did not fit alive until the call is over. */
    private final List<ByteBuffer> large = new ArrayList<>();
    private long error;

    private Frame() {}

    /** The frame of this thread, empty. */
    public static Frame open() {
        Frame frame = FREE.get();
        FREE.remove();
        frame.usual.clear();
        frame.error = 0;
        return frame;
    }

    /** The functions of the library. */
    public Abi abi() {
        return bridge.abi();
    }

    /** A text that ends in NUL; 0 for null. */
    public long text(String text) {
        if (text == null) {
            return 0;
        }
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        for (byte each : bytes) {
            if (each == 0) {
                throw new IllegalArgumentException("the text has a NUL inside: \"" + text + "\"");
            }
        }
        return bytes(bytes);
    }

    /** Bytes, with a NUL behind them. */
    public long bytes(byte[] bytes) {
        ByteBuffer place = place(bytes.length + 1);
        long address = addressAt(place);
        place.put(bytes).put((byte) 0);
        return address;
    }

    /** So many words, their bytes end to end. */
    public long packed(List<byte[]> words) {
        int size = 0;
        for (byte[] word : words) {
            size = Math.addExact(size, word.length);
        }
        ByteBuffer place = place(size);
        long address = addressAt(place);
        for (byte[] word : words) {
            place.put(word);
        }
        return address;
    }

    /** Memory for a reply, which the next call on this frame may fill again. */
    public long answer() {
        return answerAddress;
    }

    /** How many bytes {@link #answer} has. */
    public long answerSize() {
        return ANSWER;
    }

    /** The memory of {@link #answer}. */
    ByteBuffer answered() {
        return answer;
    }

    /** The addresses of so many words, one behind the other. */
    public long words(List<byte[]> words) {
        long[] addresses = new long[words.size()];
        for (int index = 0; index < addresses.length; index++) {
            addresses[index] = bytes(words.get(index));
        }
        return numbers(addresses);
    }

    /** The lengths of so many words, one behind the other. */
    public long lengths(List<byte[]> words) {
        long[] lengths = new long[words.size()];
        for (int index = 0; index < lengths.length; index++) {
            lengths[index] = words.get(index).length;
        }
        return numbers(lengths);
    }

    /** A place for a number or pointer. */
    public long slot() {
        return numbers(0);
    }

    /** The place for the error of the call. */
    public long error() {
        error = slot();
        return error;
    }

    /** What a call wrote into a place. */
    public long read(long slot) {
        return isUsual(slot) ? usual.getLong((int) (slot - usualAddress)) : bridge.view(slot, Long.BYTES).getLong(0);
    }

    /** The 32-bit number a call wrote into a place. */
    public int readInt(long slot) {
        return isUsual(slot) ? usual.getInt((int) (slot - usualAddress)) : bridge.view(slot, Integer.BYTES).getInt(0);
    }

    /** Whether it is read without a way through the bridge. */
    private boolean isUsual(long slot) {
        return slot >= usualAddress && slot < usualAddress + USUAL;
    }

    /** The text at an address. */
    public String textAt(long address) {
        return bridge.text(address);
    }

    /** Gives the code back when it is none of a failure. */
    public int check(int code) {
        if (code < 0) {
            throw Failures.of(bridge, code, error == 0 ? 0 : read(error));
        }
        return code;
    }

    @Override
    public void close() {
        large.clear();
        FREE.set(this);
    }

    private long numbers(long... numbers) {
        ByteBuffer place = place(numbers.length * Long.BYTES);
        long address = addressAt(place);
        for (long number : numbers) {
            place.putLong(number);
        }
        return address;
    }

    /** A buffer with room, at its position, on a multiple of eight. */
    private ByteBuffer place(int size) {
        int start = (usual.position() + 7) & ~7;
        if (start + size <= USUAL) {
            return usual.position(start);
        }
        ByteBuffer own = Bridge.direct(size);
        large.add(own);
        return own;
    }

    private long addressAt(ByteBuffer place) {
        return place == usual ? usualAddress + usual.position() : bridge.addressOf(place);
    }
}
