package org.sentinelle.internal;

import java.util.List;

/** A command on its way into the library. */
public final class Command extends Handle {
    private Command(long handle) {
        super(handle, Bridge.get().abi()::snl_cmd_free);
    }

    /** A command of these words. */
    public static Command of(List<byte[]> words) {
        try (Frame frame = Frame.open()) {
            long out = frame.slot();
            frame.check(frame.abi().snl_cmd_new(out));
            Command command = new Command(frame.read(out));
            for (byte[] word : words) {
                frame.check(frame.abi().snl_cmd_arg(command.handle(), frame.bytes(word), word.length));
            }
            return command;
        }
    }
}
