// Decides what a call of a user becomes: a command on the master's connection, on a replica's, or on one of its own.
'use strict';

const { EventEmitter } = require('node:events');
const { Command, TransactionCommand } = require('./command.js');
const { addCommands } = require('./commands.js');
const { LeasePool } = require('./lease.js');
const { MasterLink, closedError } = require('./link.js');
const { readOptions } = require('./options.js');
const { BLOCKING, IDEMPOTENT, READ, SESSION, WRITE, classOf } = require('./policy.js');
const { Readers } = require('./readers.js');
const { Subscription } = require('./subscription.js');
const { Pipeline } = require('./transaction.js');
const { SentinelleError, abortError } = require('../errors.js');
const { native } = require('../native_proxy.js');

/** How often deadlines are looked at while commands are under way. */
const SWEEP = 50;

/** A client of the current master, whoever that is. */
class Client extends EventEmitter {
  /** @param {any} options `redis+sentinel://...` or an object */
  constructor(options) {
    super();
    const read = readOptions(options);
    /** What every connection to a data node has in common. */
    this.node = read.node;
    this.readFrom = read.readFrom;
    this.inFlight = read.inFlight;
    this.commandTimeout = read.commandTimeout;
    this.responseTimeout = read.responseTimeout;
    this.mostPending = read.mostPending;
    /** How often all calls together may be tried again: the engine's budget. */
    this.retries = new native.NativeRetries();
    /** How many calls were made. */
    this.calls = 0;
    this.ownsDiscovery = read.discovery === undefined;
    this.discovery = read.discovery ?? read.makeDiscovery();
    this.pushHandler = read.pushHandler;
    this.onPush = (/** @type {any[]} */ push) => this.pushHandler?.(push);
    this.link = new MasterLink(this);
    this.readers = new Readers(this);
    this.leases = new LeasePool(this, read.mostLeases);
    /** @type {Set<Subscription>} */
    this.subscriptions = new Set();
    this.pending = 0;
    /** @type {NodeJS.Timeout | null} */
    this.sweeper = null;
    /** The time, not older than a sweep while commands are under way. */
    this.now = 0;
    this.isClosed = false;
    /** @type {Set<() => void>} those who wait for a change */
    this.watchers = new Set();
    this.onTopology = this.onTopology.bind(this);
    this.onWarning = (/** @type {any} */ warning) => this.warn(warning);
    this.discovery.on('topology', this.onTopology);
    this.discovery.on('warning', this.onWarning);
    if (this.discovery.topology) this.onTopology(this.discovery.topology);
    else this.discovery.open?.();
  }

  /** The generation of the master that commands go to. */
  get generation() {
    return this.link.generation;
  }

  /** Resolves when the master is connected. @param {{ timeout?: number, signal?: AbortSignal }} [options] */
  async connect(options = {}) {
    await this.call(['PING'], options);
    return this;
  }

  /**
   * Runs any command.
   *
   * @param {readonly any[]} words
   * @param {any} [options]
   * @returns {Promise<any>}
   */
  call(words, options) {
    return this.run(words, undefined, options);
  }

  /** @param {readonly any[]} words @param {(reply: any) => any} [transform] @param {any} [options] @returns {Promise<any>} */
  run(words, transform, options) {
    return new Promise((resolve, reject) => {
      const given = classOf(words);
      if (given >= BLOCKING) return resolve(this.runAlone(words, given, transform, options));
      const kind = given === WRITE && options?.idempotent ? IDEMPOTENT : given;
      const command = new Command(words, options?.idempotent === false && kind === IDEMPOTENT ? WRITE : kind, this, this.deadline());
      command.resolve = resolve;
      command.reject = reject;
      if (transform !== undefined) command.transform = transform;
      if (options !== undefined) this.watchCall(command, options, 'unknown');
      this.submit(command, options?.readFrom ?? this.readFrom);
    });
  }

  /** @param {Command} command @param {any} readFrom */
  submit(command, readFrom) {
    if (this.isClosed) return command.fail(closedError());
    if (command.isDone) return;
    if (this.pending >= this.mostPending) {
      return command.fail(new SentinelleError('ERR_BACKPRESSURE', `${this.pending} commands are under way already`, { outcome: 'not-sent', retryable: true }));
    }
    command.isCounted = true;
    this.pending += 1;
    this.calls += 1;
    if (this.sweeper === null) this.startSweeping();
    if (readFrom !== 'master' && command.kind === READ) {
      command.readFrom = readFrom;
      this.readers.send(command);
    } else {
      this.link.send(command);
    }
  }

  /** A command that waits on the server gets a connection to itself. @param {readonly any[]} words @param {number} kind @param {any} transform @param {any} options */
  async runAlone(words, kind, transform, options) {
    if (kind === SESSION) {
      throw new SentinelleError('ERR_ARGUMENT', `${String(words[0])} changes the state of its connection: run it on a lease`, { outcome: 'not-sent' });
    }
    const lease = await this.leases.lease({ signal: options?.signal });
    try {
      return await lease.run([...words], transform, options);
    } finally {
      lease.release();
    }
  }

  /** The deadline of a call that begins. */
  deadline() {
    if (this.pending === 0) this.now = performance.now();
    return this.now + this.commandTimeout;
  }

  /**
   * Gives a command a time limit and a signal of its own.
   *
   * @param {Command} command
   * @param {{ timeout?: number, signal?: AbortSignal }} options
   * @param {string} outcome
   * @param {() => void} [onEnd]
   */
  watchCall(command, { timeout, signal }, outcome, onEnd) {
    if (timeout === undefined && signal === undefined) return;
    if (signal?.aborted) return command.fail(abortError(signal, 'not-sent'));
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    if (timeout !== undefined) {
      command.deadline = Infinity;
      timer = setTimeout(() => {
        onEnd?.();
        command.fail(
          new SentinelleError('ERR_TIMEOUT', `${command.name} was not answered within ${timeout} ms`, {
            outcome,
            cause: command.lastError ?? undefined,
            retryable: true,
          }),
        );
      }, timeout);
    }
    const aborted = () => {
      onEnd?.();
      command.fail(abortError(/** @type {AbortSignal} */ (signal), outcome));
    };
    signal?.addEventListener('abort', aborted, { once: true });
    command.release = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
    };
  }

  /** How long a command waits before it is tried again, in milliseconds; null when it may not be. @param {Command} command @returns {number | null} */
  pauseBefore(command) {
    return this.retries.nextMs(command.attempts + 1, this.calls);
  }

  /** @param {Command} command @param {import('../errors.js').ReplyError} error */
  onReplyError(command, error) {
    this.link.onReplyError(command, error);
  }

  /** @param {Command} command */
  onSettled(command) {
    if (command.isCounted) this.pending -= 1;
  }

  /** Commands that are sent together, each for itself. */
  pipeline() {
    return new Pipeline((commands, limits) => Promise.all(commands.map((words) => this.run(words, undefined, limits).catch((error) => error))));
  }

  /** Commands that run all or not at all. */
  multi() {
    return new Pipeline(
      (commands, limits) =>
        new Promise((resolve, reject) => {
          const command = new TransactionCommand(commands, WRITE, this, this.deadline());
          command.resolve = resolve;
          command.reject = reject;
          if (limits !== undefined) this.watchCall(command, limits, 'unknown');
          this.submit(command, 'master');
        }),
    );
  }

  /** The same client with options for every call. @param {any} options */
  with(options) {
    return new View(this, options);
  }

  /** A connection to the master for one caller: WATCH, blocking commands. @param {{ timeout?: number, signal?: AbortSignal }} [options] */
  lease(options) {
    return this.leases.lease(options);
  }

  /** @param {string | string[]} channels @param {{ pattern?: boolean, signal?: AbortSignal, timeout?: number }} [options] */
  async subscribe(channels, options = {}) {
    if (this.isClosed) throw closedError();
    const subscription = new Subscription(this, [channels].flat(), options);
    this.subscriptions.add(subscription);
    await subscription.start(performance.now() + (options.timeout ?? this.commandTimeout));
    return subscription;
  }

  /** @param {any} topology */
  onTopology(topology) {
    if (this.isClosed) return;
    this.link.follow(topology);
    this.readers.follow(topology);
    this.leases.follow(this.link.generation);
    for (const subscription of this.subscriptions) subscription.follow(this.link.generation);
    for (const wake of [...this.watchers]) wake();
  }

  /** The master as the engine knows it, when it knows one. @param {number} deadline @param {AbortSignal} [signal] @returns {Promise<{ node: any, generation: number }>} */
  async currentMaster(deadline, signal) {
    for (;;) {
      if (this.isClosed) throw closedError();
      if (signal?.aborted) throw abortError(signal, 'not-sent');
      const { topology } = this.discovery;
      if (topology?.master) return { node: topology.master, generation: topology.generation };
      if (performance.now() >= deadline) throw new SentinelleError('ERR_TIMEOUT', 'no master was found in time', { outcome: 'not-sent', retryable: true });
      await this.change(deadline, signal);
    }
  }

  /** @param {number} deadline @param {AbortSignal} [signal] @returns {Promise<void>} */
  change(deadline, signal) {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', wake);
        this.watchers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, Math.max(0, deadline - performance.now()));
      signal?.addEventListener('abort', wake, { once: true });
      this.watchers.add(wake);
    });
  }

  /** @param {{ host: string, port: number }} to @param {{ host: string, port: number } | null} from */
  onMaster(to, from) {
    this.emit('master', to, from);
    if (!this.wasReady) {
      this.wasReady = true;
      this.emit('ready');
    }
  }

  /** @param {number} generation @param {string} sign */
  suspect(generation, sign) {
    if (!this.isClosed) this.discovery.suspect(generation, sign);
  }

  /** @param {unknown} error */
  isRetryable(error) {
    return error instanceof SentinelleError && !['ERR_AUTH', 'ERR_TLS', 'ERR_CLOSED', 'ERR_ABORTED', 'ERR_CONFIG'].includes(error.code);
  }

  /** @param {Error} warning */
  warn(warning) {
    if (!this.isClosed) this.emit('warning', warning);
  }

  startSweeping() {
    this.sweeper = setInterval(() => {
      const now = performance.now();
      this.now = now;
      this.link.sweep(now);
      this.readers.sweep(now);
      this.leases.sweep(now);
      if (this.pending > 0 || this.sweeper === null) return;
      clearInterval(this.sweeper);
      this.sweeper = null;
    }, SWEEP);
  }

  /** Ends every connection; what is under way may finish for `drain` milliseconds. @param {{ drain?: number }} [options] */
  async close({ drain = 0 } = {}) {
    if (this.isClosed) return;
    const end = performance.now() + drain;
    while (this.pending > 0 && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 5));
    this.isClosed = true;
    if (this.sweeper) clearInterval(this.sweeper);
    this.discovery.off('topology', this.onTopology);
    this.discovery.off('warning', this.onWarning);
    const reason = closedError();
    for (const subscription of [...this.subscriptions]) subscription.close();
    this.leases.close(reason);
    this.readers.close(reason);
    this.link.close(reason);
    for (const wake of [...this.watchers]) wake();
    if (this.ownsDiscovery) await this.discovery.close();
    this.emit('close');
  }

  async [Symbol.asyncDispose]() {
    await this.close();
  }
}

addCommands(Client, function (words, transform) {
  return this.run(words, transform);
});

/** A client seen through options for every call. */
class View {
  /** @param {Client} client @param {any} options */
  constructor(client, options) {
    this.client = client;
    this.options = options;
  }

  /** @param {readonly any[]} words @param {any} [options] */
  call(words, options) {
    return this.client.call(words, { ...this.options, ...options });
  }
}

addCommands(View, function (words, transform) {
  return this.client.run(words, transform, this.options);
});

module.exports = { Client };
