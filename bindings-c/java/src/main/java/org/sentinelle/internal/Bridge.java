package org.sentinelle.internal;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;

/**
 * The way into the native library: its functions, and memory that both sides see.
 *
 * <p>On Java 22 and later this is the foreign function interface of the platform, before that JNA. The system property
 * {@code sentinelle.bridge} ({@code ffm} or {@code jna}) overrules the choice.
 */
public abstract class Bridge {
    private static final int ABI = 1;

    /** The functions. */
    private final Abi abi;

    Bridge(Abi abi) {
        this.abi = abi;
    }

    /** The one of this process; loads the library at the first call. */
    public static Bridge get() {
        return Holder.BRIDGE;
    }

    /** The functions of the library. */
    public Abi abi() {
        return abi;
    }

    /** {@code ffm} or {@code jna}. */
    public abstract String name();

    /** Where a direct buffer begins. */
    abstract long addressOf(ByteBuffer direct);

    /** Native memory as a buffer in the order of this machine. */
    abstract ByteBuffer view(long address, long length);

    /** The text at an address, up to its NUL; it is UTF-8. */
    public abstract String text(long address);

    /** Copies native memory. */
    byte[] bytes(long address, long length) {
        byte[] copy = new byte[Math.toIntExact(length)];
        if (copy.length > 0) {
            view(address, length).get(copy);
        }
        return copy;
    }

    private static Bridge open() {
        boolean isForeign = Runtime.version().feature() >= 22;
        String wish = System.getProperty("sentinelle.bridge", isForeign ? "ffm" : "jna");
        Bridge bridge = switch (wish) {
            case "ffm" -> FfmBridge.open(library());
            case "jna" -> JnaBridge.open(library());
            default -> throw new IllegalArgumentException(
                    "system property sentinelle.bridge: neither \"ffm\" nor \"jna\": \"" + wish + "\"");
        };
        int abi = bridge.abi().snl_abi();
        if (abi != ABI) {
            throw new UnsatisfiedLinkError("libsentinelle has the binary interface " + abi + ", needed is " + ABI);
        }
        return bridge;
    }

    /** The path or name of the library: told, inside this package, or the system's. */
    private static String library() {
        String told = Optional.ofNullable(System.getProperty("sentinelle.library"))
                .orElseGet(() -> System.getenv("SENTINELLE_LIBRARY"));
        if (told != null) {
            return Path.of(told).toAbsolutePath().toString();
        }
        String system = System.getProperty("os.name").startsWith("Mac") ? "darwin" : "linux";
        String machine = System.getProperty("os.arch").equals("amd64") ? "x86-64" : System.getProperty("os.arch");
        String file = System.mapLibraryName("sentinelle");
        try (InputStream inside = Bridge.class.getResourceAsStream("/" + system + "-" + machine + "/" + file)) {
            if (inside == null) {
                return system.equals("linux") ? "libsentinelle.so.1" : file;
            }
            Path copy = Files.createTempFile("sentinelle", file);
            copy.toFile().deleteOnExit();
            Files.copy(inside, copy, StandardCopyOption.REPLACE_EXISTING);
            return copy.toString();
        } catch (IOException failed) {
            throw new UncheckedIOException("cannot unpack " + file, failed);
        }
    }

    static ByteBuffer direct(int size) {
        return ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder());
    }

    private static final class Holder {
        static final Bridge BRIDGE = open();
    }
}
