// Decides what createSentinel of this package is: node-redis' own object, with its search for the master replaced by ours.
'use strict';

const { Discovery } = require('../discovery.js');
const { SentinelleError } = require('../errors.js');
const { Follower, PATIENCE, connected, discard } = require('./follower.js');
const { Leases } = require('./leases.js');
const { Listeners } = require('./listeners.js');

/** @type {any} */
const redis = loadRedis();

function loadRedis() {
  try {
    return require('redis');
  } catch (cause) {
    throw new SentinelleError('ERR_UNSUPPORTED', 'sentinelle/node-redis needs the package redis (5 or newer) beside it', { cause });
  }
}

/**
 * The same options and calls as `createSentinel` of node-redis.
 *
 * @param {any} options and `discovery`, one that is shared
 * @returns {any}
 */
function createSentinel(options) {
  const { discovery, ...plain } = options;
  const shell = redis.createSentinel(plain);
  const inner = shell._self;
  const adapter = new Adapter(inner, plain, discovery);
  adapter.takeOver();
  return shell;
}

/** The part of node-redis' object that is ours. */
class Adapter {
  /** @param {any} inner @param {any} options @param {any} shared */
  constructor(inner, options, shared) {
    this.inner = inner;
    this.options = options;
    this.shared = shared;
    /** @type {any} */
    this.discovery = shared ?? null;
    /** @type {any} */
    this.follower = null;
    this.isOpen = false;
    this.commandTimeout = options.commandOptions?.timeout ?? PATIENCE;
    this.leases = new Leases(this);
    this.listeners = new Listeners(this);
    /** @type {Map<string, any>} clients of replicas by address */
    this.readers = new Map();
    this.turn = 0;
    this.makeClient = (/** @type {any} */ node) => this.createClient(node);
  }

  get isReady() {
    return Boolean(this.isOpen && this.follower?.client?.isReady);
  }

  /** Puts our methods in the place of those that node-redis would search with. */
  takeOver() {
    const { inner } = this;
    const methods = {
      connect: () => this.connect(),
      close: () => this.end(false),
      destroy: () => this.end(true),
      _execute: (/** @type {boolean} */ isReadonly, /** @type {any} */ work) => this.execute(isReadonly, work),
      use: (/** @type {any} */ work) => this.use(work),
      acquire: () => this.acquire(),
      duplicate: (/** @type {any} */ overrides) => createSentinel({ ...this.options, ...overrides, ...(this.shared && { discovery: this.shared }) }),
      getMasterNode: () => plain(this.follower?.node ?? this.discovery?.topology?.master),
      getReplicaNodes: () => new Map((this.discovery?.topology?.replicas ?? []).map((/** @type {any} */ node) => [plain(node), 1])),
      getSentinelNode: () => plain(this.discovery?.topology?.sentinels.find((/** @type {any} */ node) => node.up)),
      scanIterator: (/** @type {any} */ scan) => this.scan(scan),
      ...this.listeners.methods(),
    };
    for (const [name, value] of Object.entries(methods)) Object.defineProperty(inner, name, { value, configurable: true, writable: true });
    for (const name of ['isOpen', 'isReady']) Object.defineProperty(inner, name, { get: () => /** @type {any} */ (this)[name], configurable: true });
    Object.defineProperty(inner, 'discovery', { get: () => this.discovery, configurable: true });
  }

  async connect() {
    if (this.isOpen) throw new Error('already attempting to open');
    this.isOpen = true;
    this.discovery = this.shared ?? new Discovery(discoveryOptions(this.options));
    this.follower = new Follower(this.discovery, this.makeClient, {
      onChange: (node, previous) => this.onChange(node, previous),
      onWarning: (error) => this.inner.emit('warning', error),
    });
    this.inner.emit('connect');
    try {
      await this.follower.current({ deadline: performance.now() + PATIENCE, isRead: true });
    } catch (error) {
      await this.end(true);
      throw error;
    }
    return this.inner;
  }

  /** @param {{ host: string, port: number }} node */
  createClient(node) {
    const { RESP, clientSideCache, nodeClientOptions = {} } = this.options;
    const client = plainClient({
      ...nodeClientOptions,
      ...(RESP !== undefined && { RESP }),
      clientSideCache,
      maintNotifications: 'disabled',
      socket: { connectTimeout: 1000, ...nodeClientOptions.socket, host: node.host, port: node.port, reconnectStrategy: false },
    });
    client.on('error', (/** @type {Error} */ error) => {
      if (this.options.passthroughClientErrorEvents && this.inner.listenerCount('error') > 0) this.inner.emit('error', error);
    });
    return client;
  }

  /** @param {boolean | undefined} isReadonly @param {(client: any) => Promise<any>} work */
  async execute(isReadonly, work) {
    if (!this.follower) throw new SentinelleError('ERR_CLOSED', 'connect() was not called', { outcome: 'not-sent' });
    const reader = isReadonly && (this.options.replicaPoolSize ?? 0) > 0 ? await this.reader() : null;
    if (reader) {
      try {
        return await work(reader);
      } catch (error) {
        if (reader.isReady) throw error;
        // A read may always run again: on the master.
      }
    }
    return this.follower.run(work, { isRead: Boolean(isReadonly), timeout: this.commandTimeout });
  }

  /** A client of the replica whose turn it is; null when none can be read from. */
  async reader() {
    const replicas = this.discovery.topology?.replicas ?? [];
    for (const [key, { client }] of this.readers) {
      if (replicas.some((/** @type {any} */ node) => `${node.host}:${node.port}` === key)) continue;
      this.readers.delete(key);
      if (client) discard(client);
    }
    if (replicas.length === 0) return null;
    this.turn = (this.turn + 1) % replicas.length;
    const node = replicas[this.turn];
    const key = `${node.host}:${node.port}`;
    const known = this.readers.get(key);
    if (known?.client?.isReady) return known.client;
    if (known && (known.opening || performance.now() < known.notBefore)) return null;
    const entry = { client: /** @type {any} */ (null), opening: true, notBefore: 0 };
    this.readers.set(key, entry);
    const client = this.createClient(node);
    try {
      await client.connect();
      entry.client = client;
    } catch {
      discard(client);
      entry.notBefore = performance.now() + 500;
    }
    entry.opening = false;
    return entry.client;
  }

  async acquire() {
    if (!this.follower) throw new SentinelleError('ERR_CLOSED', 'connect() was not called', { outcome: 'not-sent' });
    const info = await this.leases.acquire(this.commandTimeout);
    return redis.RedisSentinelClient.create(this.options, this.leases, info, this.inner.commandOptions);
  }

  /** @param {(client: any) => Promise<any>} work */
  async use(work) {
    const lease = await this.acquire();
    try {
      return await work(lease);
    } finally {
      await lease.release();
    }
  }

  /** Pages of keys; a change of the master ends it, because a cursor means nothing to another server. @param {any} [options] */
  async *scan({ cursor = '0', ...options } = {}) {
    const { generation } = this.follower;
    let next = cursor;
    do {
      if (this.follower.generation !== generation) throw new redis.ScanIteratorInterruptedError('the master was replaced during the scan');
      const page = await this.inner.scan(next, options);
      next = page.cursor;
      yield page.keys;
    } while (String(next) !== '0');
  }

  /** @param {any} node @param {any} previous */
  onChange(node, previous) {
    this.leases.cut();
    void this.listeners.move();
    if (!previous) this.inner.emit('ready');
    this.inner.emit('topology-change', { type: 'MASTER_CHANGE', node: plain(node) });
  }

  /** @param {boolean} atOnce */
  async end(atOnce) {
    if (!this.isOpen) return;
    this.isOpen = false;
    const client = this.follower.close();
    this.leases.close();
    this.listeners.close();
    for (const { client: reader } of this.readers.values()) if (reader) discard(reader);
    this.readers.clear();
    if (client && !atOnce && client.isReady) await client.close();
    else if (client) discard(client);
    if (!this.shared) await this.discovery.close();
    this.inner.emit('end');
  }
}

/** Makes clients without commands of their own, which the commands of the sentinel object do not need; once, because it takes a while. @type {any} */
let makePlainClient;

/** @param {any} options */
function plainClient(options) {
  makePlainClient ??= redis.RedisClient.factory({ modules: {}, functions: {}, scripts: {} });
  return makePlainClient(options);
}

/** @param {any} node */
function plain(node) {
  return node ? { host: node.host, port: node.port } : undefined;
}

/** Options of createSentinel as options of a discovery. @param {any} options */
function discoveryOptions({ name, sentinelRootNodes, nodeClientOptions = {}, sentinelClientOptions = {}, nodeAddressMap, scanInterval }) {
  return {
    name,
    sentinels: sentinelRootNodes,
    username: nodeClientOptions.username,
    password: nodeClientOptions.password,
    tls: tlsOf(nodeClientOptions.socket),
    sentinelUsername: sentinelClientOptions.username,
    sentinelPassword: sentinelClientOptions.password,
    sentinelTls: tlsOf(sentinelClientOptions.socket),
    addressMap: nodeAddressMap,
    pollInterval: scanInterval || undefined,
  };
}

/** @param {any} socket */
function tlsOf(socket) {
  if (!socket?.tls) return undefined;
  const { ca, cert, key, servername, rejectUnauthorized } = socket;
  return { ca, cert, key, servername, rejectUnauthorized };
}

module.exports = { createSentinel, connected };
