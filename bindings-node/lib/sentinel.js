// Decides what a sentinel inside this process is to a program: an emitter of typed events with methods for every order.
'use strict';

const { EventEmitter, once } = require('node:events');
const { readFile } = require('node:fs/promises');
const { readReply, settled } = require('./failure.js');
const { KeepAlive, within } = require('./keep_alive.js');
const { native } = require('./native_proxy.js');
const { SentinelleError, abortError } = require('./errors.js');
const { addressText, parseAddress, toPairs } = require('./options.js');
const { readMessage } = require('./message.js');
const { readPersistence } = require('./persistence.js');

/** @typedef {import('./persistence.js').Persistence} Persistence */
/** @typedef {{ timeout?: number, signal?: AbortSignal }} Limits */

/** How long `start` waits, and how long `close` waits for a failover this sentinel leads. */
const START_LIMIT = 10_000;
const CLOSE_LIMIT = 10_000;
/** How long an order waits for its answer. */
const ORDER_LIMIT = 10_000;
/** How many messages wait for a slow reader of `messages()`. */
const MOST_MESSAGES = 1024;

/** A sentinel inside this process. */
class Sentinel extends EventEmitter {
  /**
   * Starts one; resolves when it listens.
   *
   * @param {any} [options] an object, or the path of a sentinel.conf
   * @returns {Promise<Sentinel>}
   */
  static async start(options = {}) {
    const given = typeof options === 'string' ? { configFile: options } : options;
    if (given.signal?.aborted) throw abortError(given.signal);
    const persist = await readPersistence(given);
    const begun = settled(() => native.NativeSentinel.start(startOf(given, persist)));
    const handle = await within(begun, 'start a sentinel', { timeout: given.timeout ?? START_LIMIT, signal: given.signal }).catch((error) => {
      // It is not wanted any more, but may still come.
      begun.then(
        (late) => late.stop(),
        () => {},
      );
      throw error;
    });
    const sentinel = new Sentinel(handle, given, persist);
    await sentinel.refresh();
    return sentinel;
  }

  /** @param {any} handle @param {any} options @param {Persistence} persist */
  constructor(handle, options, persist) {
    super();
    this.handle = handle;
    this.persist = persist;
    persist.onSaved = (text) => this.emit('config-saved', text);
    persist.onFailed = (cause) =>
      this.emit('warning', new SentinelleError('ERR_FILE', `the state could not be kept: ${cause.message}`, { cause, retryable: true }));
    /** 40 hexadecimal digits. */
    this.id = handle.id;
    this.addresses = handle.addresses.map(parseAddress);
    this.isClosed = false;
    /** @type {{ epoch: number, masters: any[], tilt_ms: number | null }} */
    this.status = { epoch: 0, masters: [], tilt_ms: null };
    /** @type {Set<(message: any) => void>} */
    this.readers = new Set();
    this.keepAlive = new KeepAlive();
    /** @type {(value: void) => void} */
    this.resolveClosed = () => {};
    this.closed = new Promise((resolve) => {
      this.resolveClosed = resolve;
    });
    handle.listen((/** @type {string} */ json) => this.onEvent(JSON.parse(json)));
    if (options.ref ?? true) this.ref();
    this.signal = options.signal;
    this.aborted = () => void this.close({ force: true });
    this.signal?.addEventListener('abort', this.aborted, { once: true });
  }

  /** The first address it listens on. */
  get address() {
    return this.addresses[0];
  }

  get listening() {
    return !this.isClosed && this.addresses.length > 0;
  }

  /** What was known of every master at the last event. */
  masters() {
    return this.status.masters.map(toMaster);
  }

  /** @param {string} name */
  master(name) {
    return this.masters().find((master) => master.name === name);
  }

  /** Looks at everything anew; resolves with the masters. */
  async refresh() {
    this.status = JSON.parse(await settled(() => this.handle.status()));
    return this.masters();
  }

  /** Looks anew after events, once for all of a moment. */
  refreshSoon() {
    if (this.isRefreshDue) return;
    this.isRefreshDue = true;
    setImmediate(() => {
      this.isRefreshDue = false;
      // It may have ended meanwhile.
      this.refresh().catch(() => {});
    }).unref();
  }

  /** What is answered to an order, within the caller's limits. @template T @param {string} what @param {Limits} limits @param {() => Promise<T>} work */
  ask(what, { timeout = ORDER_LIMIT, signal }, work) {
    if (signal?.aborted) throw abortError(signal);
    return within(settled(work), what, { timeout, signal });
  }

  /** @param {any} options @param {Limits} [limits] */
  async monitor(options, limits = {}) {
    await this.ask(`monitor ${options.name}`, limits, () => this.handle.monitor(monitorOf(options)));
    await this.refresh();
    return this.master(options.name);
  }

  /** @param {string} name @param {Limits} [limits] */
  async remove(name, limits = {}) {
    await this.ask(`remove ${name}`, limits, () => this.handle.remove(name));
    await this.refresh();
  }

  /** @param {string} name @param {any} options @param {Limits} [limits] */
  async set(name, options, limits = {}) {
    await this.ask(`change ${name}`, limits, () => this.handle.set(name, toPairs('monitor', options)));
    await this.refresh();
  }

  /** @param {string} pattern @param {Limits} [limits] */
  async reset(pattern, limits = {}) {
    const count = await this.ask(`reset ${pattern}`, limits, () => this.handle.reset(pattern));
    await this.refresh();
    return count;
  }

  /** @param {string} name @param {Limits} [limits] */
  async checkQuorum(name, limits = {}) {
    try {
      const message = /** @type {string} */ (await this.ask(`check the quorum of ${name}`, limits, () => this.handle.checkQuorum(name)));
      return { ok: true, usable: usableOf(message), message };
    } catch (error) {
      const { code, message } = /** @type {SentinelleError} */ (error);
      if (code !== 'ERR_QUORUM') throw error;
      return { ok: false, usable: usableOf(message), message };
    }
  }

  /** Orders a failover; resolves when there is a new master. @param {string} name @param {{ signal?: AbortSignal, timeout?: number }} [limits] */
  async failover(name, { signal, timeout = 30_000 } = {}) {
    /** @type {(message: any) => void} */
    let hear = () => {};
    const switched = new Promise((resolve) => {
      hear = (event) => event.master === name && resolve(event);
      this.on('switch-master', hear);
    });
    try {
      await this.ask(`order a failover of ${name}`, { signal, timeout }, () => this.handle.failover(name));
      return await within(switched, `fail ${name} over`, { signal, timeout });
    } finally {
      this.off('switch-master', hear);
    }
  }

  /** Runs any command of the wire protocol, without a socket. @param {...any} words */
  async command(...words) {
    const plain = words.map((word) => (word instanceof Uint8Array ? word : String(word)));
    return readReply(await this.ask(`run ${plain[0]}`, {}, () => this.handle.command(plain)));
  }

  /**
   * The messages it publishes, from now on.
   *
   * @param {{ channels?: readonly string[], signal?: AbortSignal }} [options]
   */
  messages({ channels, signal } = {}) {
    /** @type {any[]} */
    const queue = [];
    /** @type {(() => void) | null} */
    let wake = null;
    const put = (/** @type {any} */ message) => {
      if (message && channels && !channels.includes(message.channel)) return;
      if (queue.length >= MOST_MESSAGES) queue.shift();
      if (message) queue.push(message);
      wake?.();
    };
    this.readers.add(put);
    const stop = () => put(null);
    signal?.addEventListener('abort', stop, { once: true });
    const { readers } = this;
    const isOver = () => this.isClosed || signal?.aborted || !readers.has(put);
    const end = () => {
      readers.delete(put);
      signal?.removeEventListener('abort', stop);
    };
    return {
      async next() {
        while (queue.length === 0) {
          if (isOver()) {
            end();
            return { value: undefined, done: true };
          }
          await new Promise((resolve) => {
            wake = () => resolve(undefined);
          });
          wake = null;
        }
        return { value: queue.shift(), done: false };
      },
      async return() {
        end();
        stop();
        return { value: undefined, done: true };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** The text of its configuration, as it is kept. @param {Limits} [limits] */
  async toConfig(limits = {}) {
    readReply(await this.ask('keep the configuration', limits, () => this.handle.command(['SENTINEL', 'FLUSHCONFIG'])));
    if (!this.persist.file) throw new SentinelleError('ERR_STATE', 'this sentinel keeps its state in memory alone');
    return readFile(this.persist.file, 'utf8');
  }

  ref() {
    if (!this.isClosed) this.keepAlive.on();
    return this;
  }

  unref() {
    this.keepAlive.off();
    return this;
  }

  /** Ends it; waits for a failover it leads unless `force`. @param {{ force?: boolean, timeout?: number }} [options] */
  async close({ force = false, timeout = CLOSE_LIMIT } = {}) {
    if (this.isClosing) return this.closed;
    this.isClosing = true;
    if (!force) await this.failoverEnded(timeout);
    // Once this is answered, what was decided is in the file; one without a file refuses it.
    await this.ask('keep the state', {}, () => this.handle.command(['SENTINEL', 'FLUSHCONFIG'])).catch(() => {});
    await this.persist.save().catch((error) => this.persist.onFailed(error));
    await settled(() => this.handle.stop());
    this.finish();
    return this.closed;
  }

  async [Symbol.asyncDispose]() {
    await this.close();
  }

  /** @param {number} timeout */
  async failoverEnded(timeout) {
    const deadline = performance.now() + timeout;
    for (;;) {
      const masters = await this.refresh().catch(() => []);
      if (!masters.some((master) => master.failover) || performance.now() >= deadline) return;
      await Promise.race([once(this, 'message'), new Promise((resolve) => setTimeout(resolve, 100))]);
    }
  }

  finish() {
    if (this.isClosed) return;
    this.isClosed = true;
    this.keepAlive.off();
    this.signal?.removeEventListener('abort', this.aborted);
    for (const put of this.readers) put(null);
    this.resolveClosed();
    this.persist.remove();
    this.emit('close', null);
  }

  /** @param {any} event */
  onEvent(event) {
    const message = readMessage(event);
    for (const put of this.readers) put(message);
    this.refreshSoon();
    this.persist.saveSoon();
    this.emit('message', message);
    if (event.lost > 0) this.emit('warning', new SentinelleError('ERR_BACKPRESSURE', `${event.lost} events were lost`));
    const typed = TYPED[message.channel];
    if (typed) this.emit(typed[0], typed[1](message, event));
  }
}

/** The events that have names of their own, and what they carry. @type {Record<string, [name: string, read: (message: any, event: any) => any]>} */
const TYPED = {
  '+switch-master': ['switch-master', readSwitch],
  '+sdown': ['sdown', (message) => message],
  '-sdown': ['sdown-cleared', (message) => message],
  '+odown': ['odown', (message) => message],
  '-odown': ['odown-cleared', (message) => message],
  '+tilt': ['tilt', () => true],
  '-tilt': ['tilt', () => false],
};

/** @param {any} message @param {any} event */
function readSwitch(message, event) {
  const [master, fromHost, fromPort, toHost, toPort] = message.payload.split(' ');
  return {
    master,
    from: { host: fromHost, port: Number(fromPort) },
    to: { host: toHost, port: Number(toPort) },
    epoch: event.epoch,
    at: new Date(event.at_ms),
  };
}

/** @param {string} message */
function usableOf(message) {
  return Number(/(\d+) usable/.exec(message)?.[1] ?? 0);
}

/** @param {any} options @param {Persistence} persist */
function startOf(options, persist) {
  const { config, configFile, monitor = [], port, bind, announce, ref, signal, timeout, persist: _, ...rest } = options;
  const fromFile = configFile !== undefined && options.persist === undefined;
  const pairs = toPairs('sentinel', rest);
  const listens = [bind ?? '127.0.0.1'].flat().map((host) => addressText({ host, port: port ?? 0 }));
  if (!fromFile && (config === undefined || port !== undefined)) pairs.push(['listen', listens.join(',')]);
  if (announce?.host) pairs.push(['announce_ip', announce.host]);
  if (announce?.port) pairs.push(['announce_port', String(announce.port)]);
  if (!fromFile && persist.file) pairs.push(['config_file', persist.file]);
  return {
    configFile: fromFile ? configFile : undefined,
    config: fromFile ? undefined : (persist.text ?? config),
    options: pairs,
    monitor: monitor.map(monitorOf),
  };
}

/** @param {any} options */
function monitorOf({ name, host, port, quorum, renameCommands = {}, ...rest }) {
  const renames = Object.entries(renameCommands).map(([from, to]) => ['monitor_directive', `rename-command ${from} ${to}`]);
  return { name, host, port, quorum, options: [...toPairs('monitor', rest), ...renames] };
}

/** @param {any} status */
function toMaster(status) {
  return {
    ...toInstance(status),
    name: status.name,
    quorum: status.quorum,
    configEpoch: status.config_epoch,
    replicas: status.replicas.map((/** @type {any} */ replica) => ({
      ...toInstance(replica),
      priority: replica.priority,
      offset: replica.offset,
      masterLink: replica.is_replicating ? 'ok' : 'err',
    })),
    sentinels: status.peers.map((/** @type {any} */ peer) => ({ ...toInstance({ ...peer, run_id: peer.id }), votedLeader: peer.voted_for ?? undefined })),
    failover: status.failover && {
      state: status.failover.stage,
      epoch: status.failover.epoch,
      startedAt: new Date(Date.now() - status.failover.running_ms),
      promoted: status.failover.promoted ?? undefined,
    },
  };
}

/** @param {any} status */
function toInstance({ address, run_id: runId, health, is_linked: isLinked, down_for_ms: downFor }) {
  const flags = [...(health === 'up' ? [] : health === 'odown' ? ['sdown', 'odown'] : ['sdown']), ...(isLinked ? [] : ['disconnected'])];
  return {
    host: address.host,
    port: address.port,
    runId: runId ?? '',
    health,
    flags,
    downSince: downFor === null ? undefined : new Date(Date.now() - downFor),
  };
}

module.exports = { Sentinel };
