// Decides how ioredis follows the master: its own connections and commands, our discovery, hold and switch underneath.
'use strict';

const net = require('node:net');
const { dial } = require('./dial.js');
const { Discovery } = require('./discovery.js');
const { SentinelleError } = require('./errors.js');

/** @type {any} */
const ioredis = loadIoredis();

function loadIoredis() {
  try {
    return require('ioredis');
  } catch (cause) {
    throw new SentinelleError('ERR_UNSUPPORTED', 'sentinelle/ioredis needs the package ioredis (5 or newer) beside it', { cause });
  }
}

/** How long one attempt to connect looks for a master; ioredis counts attempts. */
const ATTEMPT = 2000;

/**
 * The value of ioredis' option `Connector`.
 *
 * @param {any} given `discovery` (one that is shared, or its options), `role`, `preferredSlaves`
 * @returns {any}
 */
function connector({ discovery, role = 'master', preferredSlaves }) {
  const prefer = preference(preferredSlaves);
  return class SentinelleConnector extends ioredis.AbstractConnector {
    /** @param {any} options those of the Redis object */
    constructor(options) {
      super(options.disconnectTimeout);
      this.options = options;
      /** @type {any} */
      this.own = null;
      /** @type {AbortController | null} */
      this.search = null;
      /** @type {any} */
      this.stream = undefined;
      this.generation = -1;
      this.isCorked = false;
      this.isMoved = false;
      this.follow = this.follow.bind(this);
    }

    /** The discovery in use: one that is shared, or one that lives as long as this connection is wanted. */
    get discovery() {
      if (typeof discovery?.master === 'function') return discovery;
      if (this.own === null || this.own.isClosed) this.own = new Discovery(discovery);
      return this.own;
    }

    /** Never rejects while it is wanted: a rejection would end the client for good. @param {(type: string, error: Error) => void} emit */
    async connect(emit) {
      this.connecting = true;
      this.isMoved = false;
      const search = new AbortController();
      this.search = search;
      const source = this.discovery;
      try {
        const found = await dial(source, {
          role,
          prefer,
          tls: this.options.tls,
          connectTimeout: this.options.connectTimeout,
          deadline: performance.now() + ATTEMPT,
          signal: search.signal,
        });
        if (search.signal.aborted) found.socket.destroy();
        else this.adopt(found, source);
        return this.stream?.destroyed === false ? this.stream : ended(found.socket);
      } catch (error) {
        this.firstError = error;
        if (!search.signal.aborted) emit('sentinelError', /** @type {Error} */ (error));
        return ended();
      } finally {
        if (this.search === search) this.search = null;
      }
    }

    /** @param {{ socket: net.Socket, generation: number }} found @param {any} source */
    adopt({ socket, generation }, source) {
      this.stream = socket;
      this.generation = generation;
      this.isCorked = false;
      this.guard(socket, generation, source);
      source.off('topology', this.follow);
      source.on('topology', this.follow);
      const lost = () => {
        source.off('topology', this.follow);
        if (this.stream === socket && role === 'master' && !this.isLeaving) source.suspect(generation, 'disconnected');
      };
      socket.once('error', (error) => {
        this.firstError = error;
      });
      socket.once('close', lost);
      if (source.topology) this.follow(source.topology);
    }

    /** Asks the engine at each write whether it may leave: what it tells comes a moment later than what it knows. @param {net.Socket} socket @param {number} generation @param {any} source */
    guard(socket, generation, source) {
      if (role === 'slave') return;
      const { write } = socket;
      socket.write = (/** @type {any[]} */ ...args) => {
        if (!this.isCorked && this.stream === socket && !source.mayWrite(generation)) {
          this.isCorked = true;
          socket.cork();
        }
        return write.apply(socket, /** @type {any} */ (args));
      };
    }

    /** Hears the engine: holds back what would be written to a master that is being replaced, and leaves one that was. @param {any} topology */
    follow(topology) {
      const { stream } = this;
      if (!stream || stream.destroyed) return;
      if (role === 'slave') {
        const isKnown = topology.replicas.some((/** @type {any} */ node) => node.port === stream.remotePort && sameHost(node.host, stream.remoteAddress));
        if (topology.phase === 'up' && topology.replicas.length > 0 && !isKnown && net.isIP(topology.replicas[0].host)) this.leave();
        return;
      }
      if (topology.generation > this.generation && topology.master) return this.leave();
      const isHeld = topology.phase === 'hold';
      if (isHeld === this.isCorked) return;
      this.isCorked = isHeld;
      if (isHeld) stream.cork();
      else stream.uncork();
    }

    /** Destroys the connection, so that ioredis asks for another one at once. */
    leave() {
      this.isMoved = true;
      this.stream?.destroy();
    }

    /** @param {any} info */
    check(info) {
      const isRight = !info?.role || info.role === role;
      if (!isRight && role === 'master') this.discovery.suspect(this.generation, 'read-only');
      return isRight;
    }

    /** Told by ioredis: to close for good, or to connect anew. */
    disconnect() {
      this.connecting = false;
      this.search?.abort();
      this.isLeaving = true;
      // A server that hangs would answer no polite end.
      if (this.isCorked || this.isMoved) this.stream?.destroy();
      else super.disconnect();
      this.isLeaving = false;
    }

    /** The client has ended: what was opened for it alone is closed. */
    release() {
      this.search?.abort();
      this.own?.off('topology', this.follow);
      void this.own?.close();
      this.own = null;
    }
  };
}

/** A socket that is over, which ioredis answers with a new attempt. @param {net.Socket} [socket] */
function ended(socket = new net.Socket()) {
  socket.destroy();
  return socket;
}

/** @param {string} host @param {string | undefined} remote */
function sameHost(host, remote) {
  return host === remote || `::ffff:${host}` === remote;
}

/** @param {any} given ioredis' `preferredSlaves` @returns {((replicas: any[]) => any) | undefined} */
function preference(given) {
  if (!given) return undefined;
  if (typeof given === 'function') {
    return (replicas) => {
      const chosen = given(replicas.map(({ host, port }) => ({ ip: host, port: String(port), flags: 'slave' })));
      return chosen && { host: chosen.ip ?? chosen.host, port: Number(chosen.port) };
    };
  }
  const wanted = [given].flat().sort((a, b) => (a.prio ?? 1) - (b.prio ?? 1));
  return (replicas) => {
    for (const { ip, port } of wanted) {
      const found = replicas.find((node) => node.host === ip && String(node.port) === String(port));
      if (found) return found;
    }
    return undefined;
  };
}

/**
 * Everything an ioredis client needs to follow the master: give it to `new Redis(...)`, or to what makes clients of its own.
 *
 * @param {any} options `discovery` (a Discovery or its options), `role`, `preferredSlaves`
 * @param {any} [overrides] options of ioredis
 */
function redisOptions(options, overrides = {}) {
  const { reconnectOnError, retryStrategy } = overrides;
  const role = options.role ?? 'master';
  const settings = settingsOf(options.discovery);
  return {
    ...(settings.username && { username: settings.username }),
    ...(settings.password && { password: settings.password }),
    ...(settings.tls && { tls: settings.tls === true ? {} : settings.tls }),
    ...overrides,
    Connector: connector(options),
    sentinels: undefined,
    // The connector looks for a master as long as it makes sense; another wait on top would only be lost.
    retryStrategy: (/** @type {number} */ times) => {
      const theirs = typeof retryStrategy === 'function' ? retryStrategy(times) : 0;
      return typeof theirs === 'number' ? Math.min(theirs, 1 + Math.min(times - 1, 20) * 5) : theirs;
    },
    reconnectOnError: (/** @type {Error} */ error) => {
      const theirs = reconnectOnError?.(error);
      if (theirs || role !== 'master') return theirs ?? false;
      // Refused, so certainly not run: connect anew and send again.
      return error.message.startsWith('READONLY') ? 2 : false;
    },
  };
}

/** @param {any} discovery */
function settingsOf(discovery) {
  return typeof discovery?.master === 'function' ? discovery.options : (discovery ?? {});
}

/** ioredis' own options for a group of sentinels, as options of a discovery. @param {any} options */
function discoveryOptions(options) {
  const {
    sentinels,
    name,
    natMap,
    sentinelUsername,
    sentinelPassword,
    sentinelTLS,
    updateSentinels,
    sentinelCommandTimeout,
    enableTLSForSentinelMode,
    tls,
    username,
    password,
  } = options;
  if (!name) throw new Error('Requires the name of master.');
  return {
    sentinels: sentinels.map((/** @type {any} */ { host, port }) => ({ host: host ?? '127.0.0.1', port: port ? Number(port) : 26379 })),
    name,
    username: username ?? undefined,
    password: password ?? undefined,
    sentinelUsername: sentinelUsername ?? undefined,
    sentinelPassword: sentinelPassword ?? undefined,
    sentinelTls: sentinelTLS ?? undefined,
    tls: enableTLSForSentinelMode ? (tls ?? true) : undefined,
    addressMap: natMap ?? undefined,
    learnSentinels: updateSentinels ?? true,
    queryTimeout: sentinelCommandTimeout ?? undefined,
  };
}

/** ioredis' client with its own options; with `sentinels` it finds its master through our discovery. */
class Redis extends ioredis.Redis {
  /** @param {...any} args */
  constructor(...args) {
    const index = args.findIndex((arg) => arg !== null && typeof arg === 'object' && !Array.isArray(arg));
    const options = args[index];
    if (!options?.sentinels || options.Connector) {
      super(...args);
      return;
    }
    const { sentinels: _, natMap: __, failoverDetector: ___, ...rest } = options;
    const { tls, ...plain } = rest;
    const adapter = { discovery: discoveryOptions(options), role: options.role, preferredSlaves: options.preferredSlaves };
    args[index] = redisOptions(adapter, plain);
    super(...args);
    this.on('end', () => this.connector.release?.());
  }

  /** Ends, also between two attempts, where ioredis alone would stay for ever. @param {boolean} [reconnect] */
  disconnect(reconnect = false) {
    const isBetween = !reconnect && this.status === 'reconnecting';
    super.disconnect(reconnect);
    if (!isBetween || this.status !== 'reconnecting') return;
    this.manuallyClosing = false;
    this.setStatus('end');
    this.flushQueue(new Error('Connection is closed.'));
  }

  /** The discovery that this client follows. */
  get discovery() {
    return this.connector.discovery;
  }
}

module.exports = { Redis, connector, redisOptions };
module.exports.default = Redis;
