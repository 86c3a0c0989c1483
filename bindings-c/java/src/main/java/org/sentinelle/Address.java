package org.sentinelle;

/**
 * Where a server listens.
 *
 * @param host a name or a numeric address
 * @param port the port
 */
public record Address(String host, int port) {
    /** Reads {@code host:port}, with brackets around an IPv6 address. */
    public static Address parse(String text) {
        int colon = text.lastIndexOf(':');
        if (colon < 1) {
            throw new IllegalArgumentException("no host:port: \"" + text + "\"");
        }
        String host = text.substring(0, colon);
        boolean hasBrackets = host.startsWith("[") && host.endsWith("]");
        return new Address(
                hasBrackets ? host.substring(1, host.length() - 1) : host,
                Integer.parseInt(text.substring(colon + 1)));
    }

    @Override
    public String toString() {
        return host.contains(":") ? "[" + host + "]:" + port : host + ":" + port;
    }
}
