package org.sentinelle;

/**
 * A call failed. The class tells what went wrong; one class for each code of {@code sentinelle.h}.
 *
 * <p>{@link #outcome()} tells what is known of a command, {@link #isRetryable()} whether the same call may succeed later.
 */
public class SentinelleException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int code;
    private final transient Facts facts;

    /** What is known of a command that failed. */
    public enum Outcome {
        /** No byte of it left this process: it was not executed. */
        NOT_SENT,
        /** The server refused it: it was not executed. */
        REJECTED,
        /** It was sent and no reply came: it may have been executed. */
        UNKNOWN
    }

    /**
     * What a failure tells of itself.
     *
     * @param message the whole text
     * @param outcome what is known of the command; null when the failure concerns none
     * @param isRetryable whether the same call may succeed later
     * @param serverCode the first word of the server's error reply, or empty
     * @param address the server it concerns as {@code host:port}, or empty
     * @param detail everything as one JSON object
     */
    public record Facts(
            String message, Outcome outcome, boolean isRetryable, String serverCode, String address, String detail) {}

    SentinelleException(int code, Facts facts) {
        super(facts.message());
        this.code = code;
        this.facts = facts;
    }

    /** The number of {@code snl_code}. */
    public int code() {
        return code;
    }

    /** What is known of the command; null when the failure concerns none. */
    public Outcome outcome() {
        return facts == null ? null : facts.outcome();
    }

    /** Whether the same call may succeed later. */
    public boolean isRetryable() {
        return facts != null && facts.isRetryable();
    }

    /** The first word of the server's error reply, such as {@code READONLY}; empty when the server said none. */
    public String serverCode() {
        return facts == null ? "" : facts.serverCode();
    }

    /** The server it concerns, as {@code host:port}; empty when it concerns none. */
    public String address() {
        return facts == null ? "" : facts.address();
    }

    /** Everything as one JSON object; {@code evidence} holds what each sentinel said. */
    public String detail() {
        return facts == null ? "{}" : facts.detail();
    }

    /** The exception of a code. */
    public static SentinelleException of(int code, Facts facts) {
        return switch (code) {
            case -1 -> new Argument(facts);
            case -2 -> new Handle(facts);
            case -3 -> new State(facts);
            case -4 -> new Config(facts);
            case -5 -> new Unsupported(facts);
            case -6 -> new TooManyHandles(facts);
            case -7 -> new Panic(facts);
            case -8 -> new Forked(facts);
            case -9 -> new Busy(facts);
            case -10 -> new Stopped(facts);
            case -20 -> new Timeout(facts);
            case -21 -> new Cancelled(facts);
            case -22 -> new ConnectionLost(facts);
            case -23 -> new TlsFailure(facts);
            case -24 -> new Authentication(facts);
            case -25 -> new Protocol(facts);
            case -26 -> new PoolExhausted(facts);
            case -27 -> new Backpressure(facts);
            case -40 -> new SentinelsUnreachable(facts);
            case -41 -> new MasterUnknown(facts);
            case -42 -> new MasterNotReady(facts);
            case -43 -> new NoAgreement(facts);
            case -44 -> new NoReplica(facts);
            case -45 -> new Moved(facts);
            case -60 -> new Server(facts);
            case -61 -> new ReadOnly(facts);
            case -62 -> new Loading(facts);
            case -63 -> new NoPermission(facts);
            case -80 -> new Quorum(facts);
            case -81 -> new Listen(facts);
            case -82 -> new Storage(facts);
            case -83 -> new NoServer(facts);
            default -> new SentinelleException(code, facts);
        };
    }

    /** An argument cannot be used. */
    public static final class Argument extends SentinelleException {
        private static final long serialVersionUID = 1;

        Argument(Facts facts) {
            super(-1, facts);
        }
    }

    /** The handle is NULL, freed, or of another kind. */
    public static final class Handle extends SentinelleException {
        private static final long serialVersionUID = 1;

        Handle(Facts facts) {
            super(-2, facts);
        }
    }

    /** The call does not fit the state the object is in. */
    public static final class State extends SentinelleException {
        private static final long serialVersionUID = 1;

        State(Facts facts) {
            super(-3, facts);
        }
    }

    /** An option, a URL or a configuration file cannot be used. */
    public static final class Config extends SentinelleException {
        private static final long serialVersionUID = 1;

        Config(Facts facts) {
            super(-4, facts);
        }
    }

    /** This build or server cannot do it. */
    public static final class Unsupported extends SentinelleException {
        private static final long serialVersionUID = 1;

        Unsupported(Facts facts) {
            super(-5, facts);
        }
    }

    /** Too many objects of the kind live. */
    public static final class TooManyHandles extends SentinelleException {
        private static final long serialVersionUID = 1;

        TooManyHandles(Facts facts) {
            super(-6, facts);
        }
    }

    /** A bug of this library was caught at its border. */
    public static final class Panic extends SentinelleException {
        private static final long serialVersionUID = 1;

        Panic(Facts facts) {
            super(-7, facts);
        }
    }

    /** The handle belongs to the parent process. */
    public static final class Forked extends SentinelleException {
        private static final long serialVersionUID = 1;

        Forked(Facts facts) {
            super(-8, facts);
        }
    }

    /** Another thread uses the object at this moment. */
    public static final class Busy extends SentinelleException {
        private static final long serialVersionUID = 1;

        Busy(Facts facts) {
            super(-9, facts);
        }
    }

    /** The sentinel is stopped. */
    public static final class Stopped extends SentinelleException {
        private static final long serialVersionUID = 1;

        Stopped(Facts facts) {
            super(-10, facts);
        }
    }

    /** It did not happen in time. */
    public static final class Timeout extends SentinelleException {
        private static final long serialVersionUID = 1;

        Timeout(Facts facts) {
            super(-20, facts);
        }
    }

    /** The caller withdrew the call. */
    public static final class Cancelled extends SentinelleException {
        private static final long serialVersionUID = 1;

        Cancelled(Facts facts) {
            super(-21, facts);
        }
    }

    /** A connection could not be made or was lost. */
    public static final class ConnectionLost extends SentinelleException {
        private static final long serialVersionUID = 1;

        ConnectionLost(Facts facts) {
            super(-22, facts);
        }
    }

    /** The TLS handshake failed, or a certificate is not trusted. */
    public static final class TlsFailure extends SentinelleException {
        private static final long serialVersionUID = 1;

        TlsFailure(Facts facts) {
            super(-23, facts);
        }
    }

    /** A server refused the user name or password, or wants one. */
    public static final class Authentication extends SentinelleException {
        private static final long serialVersionUID = 1;

        Authentication(Facts facts) {
            super(-24, facts);
        }
    }

    /** A peer sent what the protocol does not allow. */
    public static final class Protocol extends SentinelleException {
        private static final long serialVersionUID = 1;

        Protocol(Facts facts) {
            super(-25, facts);
        }
    }

    /** Every connection of the pool is in use and the wait for one was too long. */
    public static final class PoolExhausted extends SentinelleException {
        private static final long serialVersionUID = 1;

        PoolExhausted(Facts facts) {
            super(-26, facts);
        }
    }

    /** More commands wait than may wait. */
    public static final class Backpressure extends SentinelleException {
        private static final long serialVersionUID = 1;

        Backpressure(Facts facts) {
            super(-27, facts);
        }
    }

    /** No sentinel answers. */
    public static final class SentinelsUnreachable extends SentinelleException {
        private static final long serialVersionUID = 1;

        SentinelsUnreachable(Facts facts) {
            super(-40, facts);
        }
    }

    /** The sentinels that answer monitor no master of this name. */
    public static final class MasterUnknown extends SentinelleException {
        private static final long serialVersionUID = 1;

        MasterUnknown(Facts facts) {
            super(-41, facts);
        }
    }

    /** The sentinels name a master, but no server confirms that it is the one. */
    public static final class MasterNotReady extends SentinelleException {
        private static final long serialVersionUID = 1;

        MasterNotReady(Facts facts) {
            super(-42, facts);
        }
    }

    /** Too few sentinels name the same master. */
    public static final class NoAgreement extends SentinelleException {
        private static final long serialVersionUID = 1;

        NoAgreement(Facts facts) {
            super(-43, facts);
        }
    }

    /** No replica may be read from. */
    public static final class NoReplica extends SentinelleException {
        private static final long serialVersionUID = 1;

        NoReplica(Facts facts) {
            super(-44, facts);
        }
    }

    /** The connection belonged to a master that has been replaced. */
    public static final class Moved extends SentinelleException {
        private static final long serialVersionUID = 1;

        Moved(Facts facts) {
            super(-45, facts);
        }
    }

    /** The server answered with an error. */
    public static final class Server extends SentinelleException {
        private static final long serialVersionUID = 1;

        Server(Facts facts) {
            super(-60, facts);
        }
    }

    /** The server is a replica and takes no writes. */
    public static final class ReadOnly extends SentinelleException {
        private static final long serialVersionUID = 1;

        ReadOnly(Facts facts) {
            super(-61, facts);
        }
    }

    /** The server is not ready: it loads its data, or its master is gone. */
    public static final class Loading extends SentinelleException {
        private static final long serialVersionUID = 1;

        Loading(Facts facts) {
            super(-62, facts);
        }
    }

    /** The user may not run this command. */
    public static final class NoPermission extends SentinelleException {
        private static final long serialVersionUID = 1;

        NoPermission(Facts facts) {
            super(-63, facts);
        }
    }

    /** Too few sentinels can be reached for a failover. */
    public static final class Quorum extends SentinelleException {
        private static final long serialVersionUID = 1;

        Quorum(Facts facts) {
            super(-80, facts);
        }
    }

    /** A listening address cannot be had. */
    public static final class Listen extends SentinelleException {
        private static final long serialVersionUID = 1;

        Listen(Facts facts) {
            super(-81, facts);
        }
    }

    /** A file or folder cannot be read or written. */
    public static final class Storage extends SentinelleException {
        private static final long serialVersionUID = 1;

        Storage(Facts facts) {
            super(-82, facts);
        }
    }

    /** No server program for tests was found. */
    public static final class NoServer extends SentinelleException {
        private static final long serialVersionUID = 1;

        NoServer(Facts facts) {
            super(-83, facts);
        }
    }
}
