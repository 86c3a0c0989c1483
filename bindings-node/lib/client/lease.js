// Decides who has a connection to itself: WATCH, blocking commands, and whatever else changes a connection's state.
'use strict';

const { Connection } = require('./connection.js');
const { Command, TransactionCommand } = require('./command.js');
const { addCommands } = require('./commands.js');
const { Pipeline } = require('./transaction.js');
const { SESSION, WRITE } = require('./policy.js');
const { closedError, movedError, sweepConnection } = require('./link.js');
const { SentinelleError, abortError } = require('../errors.js');

/** A connection to the master that one caller owns until `release`. */
class Lease {
  /** @param {LeasePool} pool @param {Connection} connection @param {any} node */
  constructor(pool, connection, node) {
    this.pool = pool;
    this.connection = connection;
    this.node = node;
    this.control = new AbortController();
    /** Whether the connection may be given to another caller afterwards. */
    this.isClean = true;
    this.isReleased = false;
    /** What waits until writes may go again, in order. @type {Command[]} */
    this.held = [];
    connection.onLost = (lost) => this.onLost(lost);
  }

  /** Aborted when the master it belongs to was replaced or its connection was lost. */
  get lost() {
    return this.control.signal;
  }

  /** @param {readonly any[]} words @param {any} [options] */
  call(words, options) {
    return this.run([...words], undefined, options);
  }

  /** @param {any[]} words @param {(reply: any) => any} [transform] @param {any} [options] @returns {Promise<any>} */
  run(words, transform, options = {}) {
    const name = String(words[0]).toUpperCase();
    // What these leave behind only a new connection is sure to be without.
    if (/^(SELECT|AUTH|HELLO|SUBSCRIBE|PSUBSCRIBE|SSUBSCRIBE|MONITOR|CLIENT|MULTI|RESET|QUIT)$/.test(name)) this.isClean = false;
    if (name === 'WATCH') this.isWatching = true;
    if (name === 'EXEC' || name === 'UNWATCH') this.isWatching = false;
    return this.submit((deadline) => new Command(words, SESSION, this, deadline), transform, options);
  }

  /** @param {(deadline: number) => Command} make @param {((reply: any) => any) | undefined} transform @param {any} options @returns {Promise<any>} */
  submit(make, transform, { timeout, signal } = {}) {
    if (this.isReleased) return Promise.reject(closedError());
    if (!this.connection.isOpen) return Promise.reject(this.lost.reason ?? movedError(this.connection.address));
    const deadline = timeout === undefined ? Infinity : performance.now() + timeout;
    return new Promise((resolve, reject) => {
      const command = make(deadline);
      command.resolve = resolve;
      command.reject = reject;
      command.transform = transform ?? null;
      this.pool.client.watchCall(command, { timeout, signal }, 'unknown', () => {
        // The server still waits on it: nobody else may use this connection.
        this.isClean = false;
      });
      if (!command.isDone) this.send(command);
    });
  }

  /** While a replica is promoted, nothing that may write goes to the master. @param {Command} command */
  send(command) {
    if (this.held.length === 0 && this.pool.client.link.mayWrite(this.connection)) this.connection.send(command);
    else this.held.push(command);
  }

  /** The hold has ended, and the master stays. */
  resume() {
    for (const command of this.held.splice(0)) if (!command.isDone) this.send(command);
  }

  /** @param {...any} keys */
  watch(...keys) {
    return this.run(['WATCH', ...keys]);
  }

  unwatch() {
    return this.run(['UNWATCH']);
  }

  /** A transaction of this connection; `exec` gives null when a watched key was changed. */
  multi() {
    return new Pipeline((commands, limits) => {
      this.isWatching = false;
      return this.submit((deadline) => new TransactionCommand(commands, WRITE, this, deadline), undefined, limits);
    });
  }

  /** @param {Command} command @param {import('../errors.js').ReplyError} error */
  onReplyError(command, error) {
    if (error.code === 'READONLY') this.pool.client.suspect(this.connection.generation, 'read-only');
    command.fail(error);
  }

  onSettled() {}

  /** @param {import('./connection.js').Lost} lost */
  onLost({ reason, unknown, notSent }) {
    this.isClean = false;
    this.control.abort(reason);
    const tell = (/** @type {any[]} */ commands, /** @type {string} */ outcome) => {
      for (const command of commands) {
        command.fail(new SentinelleError(reason.code, `${command.name}: ${reason.message}`, { outcome, address: reason.address, cause: reason }));
      }
    };
    tell(unknown, 'unknown');
    tell([...notSent, ...this.held.splice(0)], 'not-sent');
    this.pool.forget(this);
  }

  /** Gives the connection back. */
  release() {
    if (this.isReleased) return;
    this.isReleased = true;
    if (this.connection.isOpen && this.connection.inFlight.length > 0) this.isClean = false;
    for (const command of this.held.splice(0)) command.fail(closedError());
    this.pool.takeBack(this);
  }

  async [Symbol.asyncDispose]() {
    this.release();
  }
}

addCommands(Lease, function (words, transform) {
  return this.run(words, transform);
});

/** The connections that are leased, and those that wait to be. */
class LeasePool {
  /** @param {import('./client.js').Client} client @param {number} most */
  constructor(client, most) {
    this.client = client;
    this.most = most;
    /** @type {Connection[]} */
    this.idle = [];
    /** @type {Set<Lease>} */
    this.leased = new Set();
    this.opening = 0;
    /** @type {{ resolve: () => void, reject: (error: Error) => void }[]} */
    this.waiters = [];
    this.isClosed = false;
  }

  /** @param {{ timeout?: number, signal?: AbortSignal }} [options] @returns {Promise<Lease>} */
  async lease({ timeout = this.client.commandTimeout, signal } = {}) {
    const deadline = performance.now() + timeout;
    if (signal?.aborted) throw abortError(signal, 'not-sent');
    while (this.leased.size + this.opening >= this.most) await this.turn(deadline, signal);
    if (this.isClosed) throw closedError();
    this.opening += 1;
    try {
      const { connection, node } = await this.connection(deadline, signal);
      const lease = new Lease(this, connection, node);
      this.leased.add(lease);
      return lease;
    } catch (error) {
      this.wakeNext();
      throw error;
    } finally {
      this.opening -= 1;
    }
  }

  /** @param {number} deadline @param {AbortSignal} [signal] */
  async connection(deadline, signal) {
    for (;;) {
      const { node, generation } = await this.client.currentMaster(deadline, signal);
      const idle = this.idle.pop();
      if (idle?.isOpen && idle.generation === generation) return { connection: idle, node };
      idle?.end(movedError(idle.address));
      if (idle) continue;
      try {
        const connectTimeout = Math.max(1, Math.min(this.client.node.connectTimeout ?? 1000, deadline - performance.now()));
        const connection = await Connection.open({ ...this.client.node, address: node, generation, role: 'master', connectTimeout, signal });
        return { connection, node };
      } catch (error) {
        if (performance.now() >= deadline || signal?.aborted || !this.client.isRetryable(error)) throw error;
        this.client.suspect(generation, 'disconnected');
        await new Promise((resolve) => setTimeout(resolve, 25 + Math.random() * 75));
      }
    }
  }

  /** @param {number} deadline @param {AbortSignal} [signal] @returns {Promise<void>} */
  turn(deadline, signal) {
    if (this.waiters.length >= MOST_WAITERS)
      throw new SentinelleError('ERR_POOL_EXHAUSTED', `${this.waiters.length} callers wait for a lease already`, { outcome: 'not-sent', retryable: true });
    return new Promise((resolve, reject) => {
      const drop = (/** @type {Error} */ error) => {
        const index = this.waiters.indexOf(waiter);
        if (index >= 0) this.waiters.splice(index, 1);
        clearTimeout(timer);
        reject(error);
      };
      const late = () => drop(new SentinelleError('ERR_POOL_EXHAUSTED', `all ${this.most} leases are in use`, { outcome: 'not-sent', retryable: true }));
      const timer = setTimeout(late, Math.max(0, deadline - performance.now()));
      const aborted = () => drop(new SentinelleError('ERR_ABORTED', 'the wait for a lease was aborted', { outcome: 'not-sent' }));
      signal?.addEventListener('abort', aborted, { once: true });
      const waiter = {
        resolve: () => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', aborted);
          resolve();
        },
        reject: drop,
      };
      this.waiters.push(waiter);
    });
  }

  wakeNext() {
    this.waiters.shift()?.resolve();
  }

  /** @param {Lease} lease */
  forget(lease) {
    if (this.leased.delete(lease)) this.wakeNext();
  }

  /** @param {Lease} lease */
  takeBack(lease) {
    const { connection } = lease;
    if (connection.isOpen) {
      if (lease.isClean && !this.isClosed && connection.generation === this.client.generation) {
        if (lease.isWatching) connection.send({ payload: '*1\r\n$7\r\nUNWATCH\r\n', deadline: Infinity, take: () => true });
        connection.onLost = () => this.idle.splice(this.idle.indexOf(connection) >>> 0, 1);
        this.idle.push(connection);
      } else {
        connection.end(movedError(connection.address));
      }
    }
    this.forget(lease);
  }

  /** The master was replaced: what belongs to the old one is cut off. @param {number} generation */
  follow(generation) {
    for (const connection of [...this.idle]) if (connection.generation !== generation) connection.end(movedError(connection.address));
    for (const lease of [...this.leased]) if (lease.connection.generation !== generation) lease.connection.end(movedError(lease.connection.address));
    if (!this.client.link.isHeld) for (const lease of this.leased) lease.resume();
  }

  /** @param {number} now */
  sweep(now) {
    for (const lease of this.leased) sweepConnection(lease.connection, now, Infinity);
  }

  /** @param {SentinelleError} reason */
  close(reason) {
    this.isClosed = true;
    for (const waiter of [...this.waiters]) waiter.reject(reason);
    for (const connection of [...this.idle]) connection.end(reason);
    for (const lease of [...this.leased]) lease.connection.end(reason);
  }
}

/** How many callers may wait for a lease. */
const MOST_WAITERS = 1000;

module.exports = { Lease, LeasePool };
