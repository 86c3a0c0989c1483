package org.sentinelle;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sentinelle.internal.Bridge;
import org.sentinelle.internal.Config;
import org.sentinelle.internal.Frame;
import org.sentinelle.internal.Handle;
import org.sentinelle.internal.Replies;

/**
 * Finds masters through sentinels and watches them.
 *
 * <p>All that are opened with the same options share one connection to each watched sentinel.
 */
public final class Discovery extends Handle {
    private Discovery(long handle) {
        super(handle, Bridge.get().abi()::snl_discovery_free);
    }

    /** Opens a discovery for {@code redis+sentinel://host:port,host:port/master}. */
    public static Discovery open(String url) {
        try (Config config = Config.ofUrl(url)) {
            return open(config);
        }
    }

    /** Opens a discovery with options, of which {@code sentinels} is needed. */
    public static Discovery open(Map<String, String> options) {
        try (Config config = Config.of(options)) {
            return open(config);
        }
    }

    private static Discovery open(Config config) {
        try (Frame frame = Frame.open()) {
            long out = frame.slot();
            frame.check(frame.abi().snl_discovery_open(config.handle(), out, frame.error()));
            return new Discovery(frame.read(out));
        }
    }

    /** The picture of a master once it is verified; the exception says what each sentinel said. */
    public Topology resolve(String master, Duration patience) {
        try (Frame frame = Frame.open()) {
            long out = frame.slot();
            frame.check(frame.abi()
                    .snl_discovery_master(handle(), frame.text(master), patience.toMillis(), out, frame.error()));
            return Topology.take(frame.read(out));
        }
    }

    /** The master, verified. */
    public Address master(String master, Duration patience) {
        return resolve(master, patience).master().orElseThrow();
    }

    /** The picture of a master at this moment, without a wait. */
    public Topology look(String master) {
        try (Frame frame = Frame.open()) {
            long out = frame.slot();
            frame.check(frame.abi().snl_discovery_look(handle(), frame.text(master), out, frame.error()));
            return Topology.take(frame.read(out));
        }
    }

    /** Asks the sentinels again; returns when they have answered. */
    public void refresh(String master, Duration patience) {
        try (Frame frame = Frame.open()) {
            frame.check(frame.abi()
                    .snl_discovery_refresh(handle(), frame.text(master), patience.toMillis(), frame.error()));
        }
    }

    /** The names of all masters that fit the glob. */
    public List<String> masters(String glob, Duration patience) {
        try (Frame frame = Frame.open()) {
            long out = frame.slot();
            frame.check(frame.abi()
                    .snl_discovery_masters(handle(), frame.text(glob), patience.toMillis(), out, frame.error()));
            return Replies.take(frame.read(out)).asList().stream().map(Reply::asString).toList();
        }
    }

    /** Waits until the generation of a master is greater than {@code after}. */
    public Topology waitSwitch(String master, long after, Duration patience) {
        try (Frame frame = Frame.open()) {
            long out = frame.slot();
            frame.check(frame.abi()
                    .snl_discovery_wait_switch(
                            handle(), frame.text(master), after, patience.toMillis(), out, frame.error()));
            return Topology.take(frame.read(out));
        }
    }

    /** The next event ({@code switched}, {@code hold-start} and others), from the first call on; empty when none came in time. */
    public Optional<Event> nextEvent(Duration patience) {
        return Event.next(patience, (abi, millis, out, error) ->
                abi.snl_discovery_event_next(handle(), millis, out, error));
    }
}
