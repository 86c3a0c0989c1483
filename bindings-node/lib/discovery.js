// Decides what a discovery is to a program: the engine's picture of one master, told as typed events, asked with time limits.
'use strict';

const { EventEmitter } = require('node:events');
const { SentinelleError, abortError } = require('./errors.js');
const { guarded, settled } = require('./failure.js');
const { KeepAlive, within } = require('./keep_alive.js');
const { native } = require('./native_proxy.js');
const { addressText, tlsPairs, toPairs, parseUrl } = require('./options.js');

/** How long a question waits for a master. */
const PATIENCE = 5000;

/** What belongs to a client or to this side of the border, and not to the engine's table. */
const OWN = [
  'name',
  'sentinels',
  'tls',
  'sentinelTls',
  'addressMap',
  'ref',
  'signal',
  'url',
  'discovery',
  'agreement',
  'connectTimeout',
  'db',
  'decode',
  'protocol',
  'readFrom',
  'retry',
  'commandTimeout',
  'responseTimeout',
  'maxPending',
  'maxLeases',
  'minIdle',
  'pushHandler',
  'retryIdempotent',
];

/** Finds one master through its sentinels and watches it. */
class Discovery extends EventEmitter {
  /** @param {any} options `redis+sentinel://...` or an object */
  constructor(options) {
    super();
    const given = typeof options === 'string' ? parseUrl(options) : options?.url ? { ...parseUrl(options.url), ...options } : { ...options };
    if (!given.name) throw new SentinelleError('ERR_CONFIG', 'option name is missing: the name of the master');
    if (!given.sentinels || (Array.isArray(given.sentinels) && given.sentinels.length === 0))
      throw new SentinelleError('ERR_CONFIG', 'option sentinels is missing: where to ask');
    this.name = given.name;
    this.options = given;
    /** The last picture, and null before the first. @type {any} */
    this.topology = null;
    this.isClosed = false;
    /** @type {any} */
    this.handle = null;
    /** Maps addresses when the user's map is a function, which the engine cannot call. @type {((address: string) => any) | null} */
    this.map = typeof given.addressMap === 'function' ? given.addressMap : null;
    this.keepAlive = new KeepAlive();
    if (given.ref) this.ref();
    if (given.signal?.aborted) throw abortError(given.signal);
    this.aborted = () => void this.close();
    given.signal?.addEventListener('abort', this.aborted, { once: true });
    /** @type {Promise<void> | null} */
    this.opening = null;
    if (typeof given.sentinels !== 'function') this.begin(given.sentinels);
  }

  /** @param {readonly any[]} sentinels */
  begin(sentinels) {
    const { handle, remove } = openHandle(this.options, sentinels, this.map !== null);
    this.handle = handle;
    try {
      guarded(() => handle.watch(this.name, (/** @type {string} */ json) => this.handle === handle && this.onTopology(JSON.parse(json))));
      guarded(() => handle.listen((/** @type {string} */ json) => this.handle === handle && this.onEvent(JSON.parse(json))));
    } finally {
      remove();
    }
  }

  /** Begins the search, when the sentinels are told by a function; resolves when it has begun. @returns {Promise<void>} */
  async open() {
    if (this.handle || this.isClosed) return;
    this.opening ??= Promise.resolve(this.options.sentinels())
      .then((sentinels) => {
        if (!this.isClosed) this.begin(sentinels);
      })
      .catch((error) => {
        this.warn(new SentinelleError('ERR_NO_SENTINEL', `the function that tells the sentinels failed: ${error.message}`, { cause: error }));
        throw error;
      })
      .finally(() => {
        this.opening = null;
      });
    return this.opening;
  }

  /**
   * The master, verified by its own word.
   *
   * @param {{ timeout?: number, signal?: AbortSignal, fresh?: boolean }} [options] `fresh` asks the sentinels anew
   */
  async master({ timeout = PATIENCE, signal, fresh = false } = {}) {
    const { topology } = this;
    if (!fresh && topology?.master && topology.phase === 'up') return topology.master;
    return (await this.resolve({ timeout, signal, fresh })).master;
  }

  /**
   * The whole picture, once the master is verified.
   *
   * @param {{ timeout?: number, signal?: AbortSignal, fresh?: boolean }} [options]
   */
  async resolve({ timeout = PATIENCE, signal, fresh = false } = {}) {
    this.checkOpen();
    if (signal?.aborted) throw abortError(signal);
    const end = performance.now() + timeout;
    await within(this.open(), 'find the sentinels', { timeout, signal });
    this.checkOpen();
    // The engine ends its search in time and says why: a timer of this side could only overtake its word.
    const left = Math.max(1, end - performance.now());
    const search = settled(() => (fresh ? this.handle.refresh(this.name, left) : this.handle.resolve(this.name, left)));
    const topology = toTopology(JSON.parse(await within(search, `find the master ${this.name}`, { signal })), this.map);
    if (!topology.master) throw new SentinelleError('ERR_NO_MASTER', topology.trouble ?? `no server is known to be the master ${this.name}`);
    return topology;
  }

  /** A replica that may be read from. @param {{ timeout?: number, signal?: AbortSignal, fallback?: 'master' | 'error' }} [options] */
  async replica({ timeout = PATIENCE, signal, fallback = 'error' } = {}) {
    const topology = this.topology?.master ? this.topology : await this.resolve({ timeout, signal });
    const { replicas } = topology;
    if (replicas.length > 0) {
      this.turn = ((this.turn ?? -1) + 1) % replicas.length;
      return replicas[this.turn];
    }
    if (fallback === 'master' && topology.master) return topology.master;
    throw new SentinelleError('ERR_NO_REPLICA', `the master ${this.name} has no replica that may be read from`, { retryable: true });
  }

  /**
   * Tells what a user of a connection saw. Cheap; the engine coalesces.
   *
   * @param {{ host: string, port: number }} node
   * @param {'readonly' | 'masterdown' | 'closed' | 'timeout' | 'refused'} what
   */
  report(node, what) {
    const { topology } = this;
    const isMaster = topology?.master && topology.master.host === node.host && topology.master.port === Number(node.port);
    if (isMaster) this.suspect(topology.generation, SIGNS[what] ?? 'disconnected');
  }

  /** Tells what was seen of the master of a generation. @param {number} generation @param {string} sign */
  suspect(generation, sign) {
    if (this.isClosed || !this.handle || generation < 0) return;
    try {
      guarded(() => this.handle.suspect(this.name, generation, sign));
    } catch (error) {
      this.warn(/** @type {SentinelleError} */ (error));
    }
  }

  /**
   * Whether a write may leave for the master of that generation at this very moment.
   *
   * Looked at, not told: a program that slept would run its timers, and write, before it heard what happened meanwhile.
   *
   * @param {number} generation
   */
  mayWrite(generation) {
    return this.handle === null || this.handle.mayWrite(generation);
  }

  /** The names of all masters of these sentinels that fit a glob. @param {string} [glob] @param {{ timeout?: number, signal?: AbortSignal }} [options] */
  async masters(glob = '*', { timeout = PATIENCE, signal } = {}) {
    this.checkOpen();
    const end = performance.now() + timeout;
    await within(this.open(), 'find the sentinels', { timeout, signal });
    this.checkOpen();
    return within(
      settled(() => this.handle.masters(glob, Math.max(1, end - performance.now()))),
      'list the masters',
      { signal },
    );
  }

  /** For `net.connect` where every server has one port: looks the master up in place of a name. */
  get lookup() {
    return (/** @type {string} */ _host, /** @type {any} */ options, /** @type {Function} */ callback) => {
      const done = typeof options === 'function' ? options : callback;
      const { isIP } = require('node:net');
      this.master().then(
        ({ host }) => {
          const family = isIP(host);
          if (family === 0) return require('node:dns').lookup(host, options, done);
          if (options?.all) done(null, [{ address: host, family }]);
          else done(null, host, family);
        },
        (error) => done(error),
      );
    };
  }

  /** @param {any} seen */
  onTopology(seen) {
    const previous = this.topology;
    const topology = toTopology(seen, this.map);
    this.topology = topology;
    this.emit('topology', topology, previous);
    const isNew = topology.master && topology.generation !== previous?.generation;
    if (isNew) this.emit('master', topology.master, previous?.master ?? null);
    if (topology.phase === 'suspect' && previous?.phase === 'up' && previous.master) this.emit('master-down', previous.master);
  }

  /** @param {any} event */
  onEvent(event) {
    if (event.lost > 0) this.warn(new SentinelleError('ERR_BACKPRESSURE', `${event.lost} events were lost`));
    if (event.master !== null && event.master !== this.name) return;
    const told = { name: event.name, at: new Date(event.at_ms), epoch: event.epoch, text: event.text, fields: event.fields };
    this.emit('event', told);
    if (NAMED.has(event.name)) this.emit(event.name, told);
    if (WARNINGS.has(event.name)) this.warn(new SentinelleError(WARNINGS.get(event.name) ?? 'ERR_STATE', event.text || event.name));
  }

  /** @param {Error} warning */
  warn(warning) {
    if (!this.isClosed) this.emit('warning', warning);
  }

  checkOpen() {
    if (this.isClosed) throw new SentinelleError('ERR_CLOSED', 'the discovery is closed');
  }

  ref() {
    if (!this.isClosed) this.keepAlive.on();
    return this;
  }

  unref() {
    this.keepAlive.off();
    return this;
  }

  async close() {
    if (this.isClosed) return;
    this.isClosed = true;
    this.keepAlive.off();
    this.options.signal?.removeEventListener('abort', this.aborted);
    const { handle } = this;
    this.handle = null;
    if (handle) await settled(() => handle.close());
    this.emit('close');
  }

  async [Symbol.asyncDispose]() {
    await this.close();
  }
}

/** What the words of a report are to the engine. @type {Record<string, string>} */
const SIGNS = { readonly: 'read-only', masterdown: 'not-ready', closed: 'disconnected', timeout: 'timed-out', refused: 'disconnected' };

/** The events that are told by name. */
const NAMED = new Set(['switched', 'hold-start', 'hold-end']);

/** The events somebody should look at, and their codes. @type {Map<string, string>} */
const WARNINGS = new Map([
  ['ambiguous', 'ERR_NO_AGREEMENT'],
  ['auth-failed', 'ERR_AUTH'],
  ['verify-disabled', 'ERR_NO_PERMISSION'],
  ['fence-weak', 'ERR_STATE'],
]);

/** @param {any} options @param {readonly any[]} sentinels @param {boolean} mapsHere */
function openHandle(options, sentinels, mapsHere) {
  const plain = Object.fromEntries(Object.entries(options).filter(([key]) => !OWN.includes(key)));
  const tls = tlsPairs('tls', options.tls);
  const sentinelTls = tlsPairs('sentinel_tls', options.sentinelTls);
  const remove = () => {
    tls.remove();
    sentinelTls.remove();
  };
  const pairs = [...toPairs('discovery', plain), ['sentinels', sentinels.map(addressText).join(',')], ...tls.pairs, ...sentinelTls.pairs];
  if (options.agreement !== undefined) pairs.push(['agreement', options.agreement === 'any' || options.agreement === 'newest' ? 'newest' : 'majority']);
  // The engine cannot call a function for each address: it looks at the sentinels it was told, and this side verifies the servers.
  if (mapsHere) pairs.push(['verify', 'off'], ['discover_peers', 'no']);
  else if (options.addressMap && Object.keys(options.addressMap).length > 0) pairs.push(...toPairs('discovery', { addressMap: options.addressMap }));
  try {
    return { handle: guarded(() => new native.NativeDiscovery(pairs)), remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** @param {any} seen @param {((address: string) => any) | null} map */
function toTopology(seen, map) {
  const mapped = (/** @type {any} */ address) => ({ ...address, ...(map?.(addressText(address)) ?? {}) });
  return {
    name: seen.name,
    generation: seen.generation,
    epoch: seen.epoch,
    phase: seen.phase,
    master: seen.master && { ...mapped(seen.master), reported: seen.master, healthy: seen.phase !== 'down' },
    replicas: seen.replicas.map((/** @type {any} */ replica) => ({
      ...mapped(replica.address),
      reported: replica.address,
      healthy: true,
      lag: replica.lag ?? undefined,
      priority: replica.priority,
    })),
    sentinels: seen.sentinels.map((/** @type {any} */ sentinel) => ({
      ...sentinel.address,
      up: sentinel.standing !== 'silent',
      standing: sentinel.standing,
      said: sentinel.said,
      epoch: sentinel.epoch ?? undefined,
    })),
    downAfter: seen.down_after_ms ?? undefined,
    trouble: seen.trouble ?? undefined,
    at: new Date(),
  };
}

module.exports = { Discovery };
