package org.sentinelle.jedis;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.apache.commons.pool2.impl.GenericObjectPoolConfig;
import org.sentinelle.Address;
import org.sentinelle.Discovery;
import org.sentinelle.Event;
import org.sentinelle.SentinelleException;
import org.sentinelle.Topology;
import redis.clients.jedis.CommandArguments;
import redis.clients.jedis.Connection;
import redis.clients.jedis.ConnectionPool;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.providers.ConnectionProvider;

/**
 * Gives Jedis its connections to the master that the sentinels name; Jedis keeps its commands.
 *
 * <p>While a replica is promoted callers wait, so that no write is acknowledged by a master that is being replaced. After a
 * switch connections to the old master are closed, idle ones at once and others when they come back.
 *
 * <pre>{@code
 * try (UnifiedJedis jedis = new UnifiedJedis(new SentinelleConnectionProvider("redis+sentinel://127.0.0.1:26379/cart", "cart"))) {
 *     jedis.set("colour", "green");
 * }
 * }</pre>
 */
public final class SentinelleConnectionProvider implements ConnectionProvider {
    private static final Duration LOOK = Duration.ofMillis(500);

    private final Discovery discovery;
    private final String master;
    private final JedisClientConfig client;
    private final GenericObjectPoolConfig<Connection> limits;
    private final Duration patience;
    private final Thread watcher = new Thread(this::watch, "sentinelle-jedis");

    /** What is known of the master; guarded by this. */
    private Topology topology;

    private ConnectionPool pool;
    private HostAndPort address;
    private boolean isClosed;

    /** Connections to a master, with Jedis' defaults; a caller waits five seconds at most for a master. */
    public SentinelleConnectionProvider(String url, String master) {
        this(
                Discovery.open(url),
                master,
                DefaultJedisClientConfig.builder().build(),
                new GenericObjectPoolConfig<>(),
                Duration.ofSeconds(5));
    }

    /** Connections as Jedis makes them; the discovery belongs to the provider from now on. */
    public SentinelleConnectionProvider(
            Discovery discovery,
            String master,
            JedisClientConfig client,
            GenericObjectPoolConfig<Connection> limits,
            Duration patience) {
        this.discovery = discovery;
        this.master = master;
        this.client = client;
        this.limits = limits;
        this.patience = patience;
        // From the first call on events are kept, so none is missed between the search and the watch.
        discovery.nextEvent(Duration.ZERO);
        try {
            see(discovery.resolve(master, patience));
        } catch (SentinelleException failed) {
            discovery.close();
            throw failed;
        }
        watcher.setDaemon(true);
        watcher.start();
    }

    /** The master's address. */
    public Address master() {
        return discovery.master(master, patience);
    }

    @Override
    public Connection getConnection() {
        return usable().getResource();
    }

    @Override
    public Connection getConnection(CommandArguments arguments) {
        return getConnection();
    }

    @Override
    public Map<?, ?> getConnectionMap() {
        ConnectionPool current = usable();
        return Map.of(current.getFactory(), current);
    }

    @Override
    public Map<?, ?> getPrimaryNodesConnectionMap() {
        return getConnectionMap();
    }

    /** The pool of the present master; waits while a replica is promoted and while there is no master. */
    private synchronized ConnectionPool usable() {
        long deadline = System.nanoTime() + patience.toNanos();
        while (!isClosed && !isUsable()) {
            long millis = (deadline - System.nanoTime()) / 1_000_000;
            if (millis <= 0) {
                throw new JedisConnectionException("no master \"" + master + "\" within " + patience + ": " + topology);
            }
            try {
                wait(millis);
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
                throw new JedisConnectionException("interrupted while waiting for the master", interrupted);
            }
        }
        if (isClosed) {
            throw new JedisConnectionException("the provider is closed");
        }
        return pool;
    }

    private boolean isUsable() {
        return pool != null && !topology.phase().equals("hold") && !topology.phase().equals("down");
    }

    private void watch() {
        try {
            while (!isEnded()) {
                Optional<Event> event = discovery.nextEvent(LOOK);
                if (event.isEmpty() || event.get().master().isEmpty() || event.get().master().equals(master)) {
                    see(discovery.look(master));
                }
            }
        } catch (SentinelleException ended) {
            close();
        }
    }

    private synchronized boolean isEnded() {
        return isClosed;
    }

    private void see(Topology seen) {
        ConnectionPool old = null;
        synchronized (this) {
            topology = seen;
            HostAndPort now = seen.master().map(node -> new HostAndPort(node.host(), node.port())).orElse(null);
            if (now != null && !now.equals(address) && !isClosed) {
                old = pool;
                address = now;
                pool = new ConnectionPool(now, client, limits);
            }
            notifyAll();
        }
        if (old != null) {
            old.close();
        }
    }

    @Override
    public void close() {
        ConnectionPool last;
        synchronized (this) {
            if (isClosed) {
                return;
            }
            isClosed = true;
            last = pool;
            notifyAll();
        }
        if (Thread.currentThread() != watcher) {
            try {
                watcher.join(2 * LOOK.toMillis());
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
        }
        if (last != null) {
            last.close();
        }
        discovery.close();
    }
}
