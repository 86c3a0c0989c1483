package org.sentinelle.internal;

import java.util.Map;

/** Options on their way into the library. */
public final class Config extends Handle {
    private Config(long handle) {
        super(handle, Bridge.get().abi()::snl_config_free);
    }

    /** The options of these keys and values. */
    public static Config of(Map<String, String> options) {
        Config config = empty();
        options.forEach(config::set);
        return config;
    }

    /** No options. */
    public static Config empty() {
        try (Frame frame = Frame.open()) {
            long out = frame.slot();
            frame.check(frame.abi().snl_config_new(out, frame.error()));
            return new Config(frame.read(out));
        }
    }

    /** The options that a URL stands for. */
    public static Config ofUrl(String url) {
        Config config = empty();
        config.load(url, 1);
        return config;
    }

    /** Reads the text of a {@code sentinel.conf}. */
    public Config conf(String text) {
        load(text, 2);
        return this;
    }

    /** Sets an option. */
    public Config set(String key, String value) {
        try (Frame frame = Frame.open()) {
            frame.check(frame.abi()
                    .snl_config_set(handle(), frame.text(key), frame.text(value), -1, frame.error()));
            return this;
        }
    }

    /** Adds a master for an embedded sentinel to monitor. */
    public Config monitor(String name, String host, int port, int quorum, Map<String, String> options) {
        try (Config own = of(options);
                Frame frame = Frame.open()) {
            frame.check(frame.abi()
                    .snl_config_monitor(
                            handle(), frame.text(name), frame.text(host), port, quorum, own.handle(), frame.error()));
            return this;
        }
    }

    private void load(String text, int format) {
        try (Frame frame = Frame.open()) {
            frame.check(frame.abi().snl_config_load(handle(), frame.text(text), -1, format, frame.error()));
        }
    }
}
