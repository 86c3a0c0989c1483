package org.sentinelle;

import java.time.Duration;
import java.util.Optional;
import org.sentinelle.internal.Abi;
import org.sentinelle.internal.Bridge;
import org.sentinelle.internal.Frame;

/**
 * Something that happened.
 *
 * @param name the stable name, such as {@code +switch-master} or {@code hold-start}
 * @param source who tells it: {@code sentinel}, {@code discovery}, {@code log}
 * @param master the master it concerns, or empty
 * @param text the whole text
 * @param timeMillis when, in milliseconds since 1970
 * @param epoch the epoch it tells of, or 0
 * @param lost how many events were lost before this one, because they were not fetched
 * @param json everything as one JSON object
 */
public record Event(
        String name, String source, String master, String text, long timeMillis, long epoch, long lost, String json) {

    /** A call that waits for an event. */
    interface Next {
        int call(Abi abi, long timeoutMillis, long out, long error);
    }

    static Optional<Event> next(Duration patience, Next next) {
        try (Frame frame = Frame.open()) {
            long out = frame.slot();
            int code = frame.check(next.call(frame.abi(), patience.toMillis(), out, frame.error()));
            return code == 0 ? Optional.of(take(frame.read(out))) : Optional.empty();
        }
    }

    private static Event take(long handle) {
        Bridge bridge = Bridge.get();
        Abi abi = bridge.abi();
        try {
            return new Event(
                    bridge.text(abi.snl_event_name(handle)),
                    bridge.text(abi.snl_event_source(handle)),
                    bridge.text(abi.snl_event_master(handle)),
                    bridge.text(abi.snl_event_text(handle)),
                    abi.snl_event_time_ms(handle),
                    abi.snl_event_epoch(handle),
                    abi.snl_event_lost(handle),
                    bridge.text(abi.snl_event_json(handle)));
        } finally {
            abi.snl_event_free(handle);
        }
    }
}
