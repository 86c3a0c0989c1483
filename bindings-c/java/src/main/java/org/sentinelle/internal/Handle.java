package org.sentinelle.internal;

import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;

/** A handle of the library, freed once: by {@link #close} or when nothing refers to it. */
public abstract class Handle implements AutoCloseable {
    private static final Cleaner CLEANER = Cleaner.create();

    private final Held held;
    private final Cleaner.Cleanable cleanable;

    /** Owns a handle; {@code free} is how it is freed. */
    protected Handle(long handle, LongConsumer free) {
        held = new Held(handle, free);
        cleanable = CLEANER.register(this, held);
    }

    /** The handle; the library refuses it once it is closed. */
    public final long handle() {
        return held.handle.get();
    }

    /** Takes the handle out, to be freed by another call. */
    protected final long release() {
        return held.handle.getAndSet(0);
    }

    @Override
    public void close() {
        cleanable.clean();
    }

    private record Held(AtomicLong handle, LongConsumer free) implements Runnable {
        Held(long handle, LongConsumer free) {
            this(new AtomicLong(handle), free);
        }

        @Override
        public void run() {
            long last = handle.getAndSet(0);
            if (last != 0) {
                free.accept(last);
            }
        }
    }
}
