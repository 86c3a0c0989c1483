package org.sentinelle;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.sentinelle.internal.Bridge;
import org.sentinelle.internal.Command;
import org.sentinelle.internal.Config;
import org.sentinelle.internal.Frame;
import org.sentinelle.internal.Handle;
import org.sentinelle.internal.Replies;
import org.sentinelle.internal.Words;

/**
 * A real group for a test suite: a master, replicas and sentinels on loopback, with faults and waits.
 *
 * <p>Members are named {@code server-0}, {@code sentinel-2}; {@code master} and {@code replica} mean whoever is at the moment.
 */
public final class TestGroup extends Handle {
    private TestGroup(long handle) {
        super(handle, Bridge.get().abi()::snl_testgroup_free);
    }

    /** Starts a group of a master, two replicas and three sentinels; returns when it is ready. */
    public static TestGroup start() {
        return start(Map.of());
    }

    /** Starts a group with options, such as {@code replicas}, {@code sentinel_count}, {@code quorum}, {@code backend}. */
    public static TestGroup start(Map<String, String> options) {
        try (Config config = Config.of(options);
                Frame frame = Frame.open()) {
            long out = frame.slot();
            frame.check(frame.abi().snl_testgroup_start(config.handle(), out, frame.error()));
            return new TestGroup(frame.read(out));
        }
    }

    /** Where clients find the master. */
    public String url() {
        Bridge bridge = Bridge.get();
        return bridge.text(bridge.abi().snl_testgroup_url(handle()));
    }

    /** The name under which clients ask for the master. */
    public String name() {
        Bridge bridge = Bridge.get();
        return bridge.text(bridge.abi().snl_testgroup_name(handle()));
    }

    /** The address of a member. */
    public Address address(String member) {
        try (Frame frame = Frame.open()) {
            long out = frame.slot();
            frame.check(frame.abi().snl_testgroup_address(handle(), frame.text(member), out, frame.error()));
            return Address.parse(Replies.take(frame.read(out)).asString());
        }
    }

    /** Runs a command on a member. */
    public Reply command(String member, Object... words) {
        try (Command command = Command.of(Words.of(words));
                Frame frame = Frame.open()) {
            long out = frame.slot();
            frame.check(frame.abi()
                    .snl_testgroup_command(handle(), frame.text(member), command.handle(), out, frame.error()));
            return Replies.take(frame.read(out));
        }
    }

    /** Ends a member as a crash does. */
    public void kill(String member) {
        fault("kill", "member", member);
    }

    /** Starts a killed member again. */
    public void restart(String member) {
        fault("restart", "member", member);
    }

    /** Stops a member where it stands ({@code SIGSTOP}). */
    public void pause(String member) {
        fault("pause", "member", member);
    }

    /** Lets a paused member go on. */
    public void resume(String member) {
        fault("resume", "member", member);
    }

    /** Parts a member from all others. */
    public void isolate(String member) {
        fault("isolate", "member", member);
    }

    /** Undoes every fault. */
    public void heal() {
        fault("heal");
    }

    /** Inflicts any fault by its name, with keys and values in turn. */
    public void fault(String name, String... arguments) {
        try (Frame frame = Frame.open()) {
            List<byte[]> words = new ArrayList<>();
            for (String argument : arguments) {
                words.addAll(Words.of(argument));
            }
            frame.check(frame.abi()
                    .snl_testgroup_fault(
                            handle(), frame.text(name), frame.words(words), arguments.length, frame.error()));
        }
    }

    /** Waits for {@code ready}, {@code synced}, {@code agreement} or {@code switched}; throws with the state of the group. */
    public void await(String condition) {
        try (Frame frame = Frame.open()) {
            frame.check(frame.abi().snl_testgroup_wait(handle(), frame.text(condition), frame.error()));
        }
    }

    /** Has the sentinels promote a replica, and waits until all agree. */
    public void failover() {
        try (Frame frame = Frame.open()) {
            frame.check(frame.abi().snl_testgroup_failover(handle(), frame.error()));
        }
    }

    /** Makes the group fit for the next test: heals it, removes all data, waits until it is ready. */
    public void reset() {
        try (Frame frame = Frame.open()) {
            frame.check(frame.abi().snl_testgroup_reset(handle(), frame.error()));
        }
    }

    /** The group at this moment, as JSON. */
    public String view() {
        try (Frame frame = Frame.open()) {
            long out = frame.slot();
            frame.check(frame.abi().snl_testgroup_view_json(handle(), out, frame.error()));
            return Replies.take(frame.read(out)).asString();
        }
    }

    /** All that a member has logged. */
    public String logs(String member) {
        try (Frame frame = Frame.open()) {
            long out = frame.slot();
            frame.check(frame.abi().snl_testgroup_logs(handle(), frame.text(member), out, frame.error()));
            return Replies.take(frame.read(out)).asString();
        }
    }
}
