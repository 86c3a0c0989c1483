// Decides where the commands of one client go while its master stays, is in doubt, or is replaced.
'use strict';

const { Connection, at } = require('./connection.js');
const { READ, backoff, judgeAttempt, mayRepeat } = require('./policy.js');
const { timeoutError } = require('./command.js');
const { SentinelleError } = require('../errors.js');

/** @typedef {import('./command.js').Command} Command */
/** @typedef {{ host: string, port: number }} Address */

/** How many commands may wait for a master, and how many bytes. */
const MOST_WAITING = 10_000;
const MOST_WAITING_BYTES = 16 * 1024 * 1024;
/** How long reads may still be answered by a master that was replaced; writes get no time. */
const DRAIN_READS = 250;

/** The way to the current master. */
class MasterLink {
  /** @param {import('./client.js').Client} client */
  constructor(client) {
    this.client = client;
    /** @type {Connection | null} */
    this.connection = null;
    /** Whether the engine holds writes back. */
    this.isHeld = false;
    /** @type {Command[]} */
    this.waiting = [];
    this.waitingBytes = 0;
    /** @type {AbortController | null} */
    this.dialing = null;
    this.dialAttempts = 0;
    /** The generation that is connected or being connected to. */
    this.generation = -1;
    /** @type {Address | null} */
    this.address = null;
    /** Since when there is no usable master. @type {number | null} */
    this.brokenSince = null;
    this.retried = 0;
    this.failed = 0;
    /** @type {NodeJS.Timeout | null} */
    this.timer = null;
    /** Whom the last failover began with. @type {Address | null} */
    this.from = null;
    this.isClosed = false;
  }

  /** @param {Command} command */
  send(command) {
    const { connection } = this;
    if (connection !== null && (command.kind === READ || this.mayWrite(connection))) connection.send(command);
    else this.park(command);
  }

  /** Whether a write may leave on it; the engine is asked once for all that this tick sends. @param {Connection} connection */
  mayWrite(connection) {
    if (this.isHeld) return false;
    if (connection.isCleared) return true;
    connection.isCleared = this.client.discovery.mayWrite(connection.generation);
    // The picture that says so is on its way, and the one that ends it comes behind.
    this.isHeld = !connection.isCleared;
    return connection.isCleared;
  }

  /** Lets a command wait for a master that may take it. @param {Command} command */
  park(command) {
    if (this.isClosed) return command.fail(closedError());
    const { weight } = command;
    if (this.waiting.length >= MOST_WAITING || this.waitingBytes + weight > MOST_WAITING_BYTES) {
      return command.fail(
        new SentinelleError('ERR_BACKPRESSURE', `${this.waiting.length} commands wait for the master already`, { outcome: 'not-sent', retryable: true }),
      );
    }
    this.waiting.push(command);
    this.waitingBytes += weight;
    if (command.notBefore > 0) this.schedule(command.notBefore - performance.now());
  }

  /** Sends what waits and may go. @param {boolean} [atOnce] whether back-offs end, because there is a new master */
  release(atOnce = false) {
    if (this.connection === null || this.waiting.length === 0) return;
    const now = performance.now();
    const waiting = this.waiting;
    this.waiting = [];
    this.waitingBytes = 0;
    for (const command of waiting) {
      if (command.isDone) continue;
      if (atOnce) command.notBefore = 0;
      if (command.notBefore > now) this.park(command);
      else {
        command.notBefore = 0;
        this.send(command);
      }
    }
  }

  /** @param {number} delay */
  schedule(delay) {
    if (this.timer !== null) return;
    this.timer = setTimeout(
      () => {
        this.timer = null;
        this.release();
        const next = this.waiting.reduce((first, command) => Math.min(first, command.notBefore || Infinity), Infinity);
        if (next < Infinity && this.connection) this.schedule(next - performance.now());
      },
      Math.max(1, delay),
    );
  }

  /** Hears what the engine says. @param {any} topology */
  follow(topology) {
    const wasHeld = this.isHeld;
    this.isHeld = topology.phase === 'hold';
    if (topology.master && topology.generation !== this.generation) this.move(topology);
    else if (wasHeld && !this.isHeld) this.release(true);
    else if (this.connection === null && this.dialing === null && topology.master) this.dial();
  }

  /** There is a new master: nothing more goes to the old one. @param {any} topology */
  move(topology) {
    const old = this.connection;
    this.generation = topology.generation;
    this.from ??= this.address;
    this.address = { host: topology.master.host, port: topology.master.port };
    this.connection = null;
    this.brokenSince ??= performance.now();
    this.dialAttempts = 0;
    this.dialing?.abort();
    this.dialing = null;
    if (old) retire(old);
    this.dial();
  }

  async dial() {
    const { address, generation } = this;
    if (this.isClosed || address === null || this.connection !== null || this.dialing !== null) return;
    const control = new AbortController();
    this.dialing = control;
    try {
      const connection = await Connection.open({
        ...this.client.node,
        address,
        generation,
        role: 'master',
        signal: control.signal,
        onLost: (lost) => this.onLost(connection, lost),
        onPush: this.client.onPush,
      });
      if (this.isClosed || this.dialing !== control) return connection.end(movedError(address));
      this.dialing = null;
      this.adopt(connection);
    } catch (error) {
      if (this.dialing === control) this.onDialFailed(/** @type {SentinelleError} */ (error), generation);
    }
  }

  /** @param {Connection} connection */
  adopt(connection) {
    const { from, brokenSince } = this;
    this.connection = connection;
    this.dialAttempts = 0;
    this.brokenSince = null;
    this.from = null;
    const waited = this.waiting.length;
    this.release(true);
    const to = connection.address;
    const outage = brokenSince === null ? 0 : performance.now() - brokenSince;
    if (from && at(from) !== at(to)) {
      this.client.emit('failover', { from, to, outage, retried: this.retried, failed: this.failed, waited });
      this.retried = 0;
      this.failed = 0;
    }
    this.client.onMaster(to, from);
  }

  /** @param {SentinelleError} error @param {number} generation */
  onDialFailed(error, generation) {
    this.dialing = null;
    this.dialAttempts += 1;
    for (const command of this.waiting) command.lastError ??= error;
    this.client.warn(error);
    this.client.suspect(generation, signOf(error));
    if (error.code === 'ERR_AUTH' || error.code === 'ERR_TLS') this.failAll(error);
    const timer = setTimeout(() => this.dial(), backoff(this.dialAttempts));
    if (this.waiting.length === 0) timer.unref();
  }

  /** @param {Connection} connection @param {import('./connection.js').Lost} lost */
  onLost(connection, { reason, unknown, notSent }) {
    const isCurrent = this.connection === connection;
    if (isCurrent) {
      this.connection = null;
      this.brokenSince ??= performance.now();
      this.from ??= this.address;
    }
    const commands = /** @type {Command[]} */ (unknown);
    for (const command of commands) this.retryUnknown(command, reason);
    for (const command of /** @type {Command[]} */ (notSent)) {
      if (!command.isDone) this.send(command);
    }
    if (!isCurrent || this.isClosed) return;
    this.client.suspect(connection.generation, signOf(reason));
    this.dial();
  }

  /** @param {Command} command @param {SentinelleError} reason */
  retryUnknown(command, reason) {
    if (command.isDone) return;
    const mayRun = !this.isClosed && mayRepeat(command.kind, this.client.inFlight);
    // The next attempt is made on another connection, which takes its own time: no further pause.
    if (mayRun && this.client.pauseBefore(command) !== null) {
      command.attempts += 1;
      command.lastError = reason;
      this.retried += 1;
      return this.send(command);
    }
    this.failed += 1;
    command.fail(
      new SentinelleError(reason.code, `${command.name} was sent and not answered: ${reason.message}`, {
        outcome: 'unknown',
        address: reason.address,
        cause: reason,
      }),
    );
  }

  /** An error reply: a refusal is tried again, anything else is the caller's. @param {Command} command @param {import('../errors.js').ReplyError} error */
  onReplyError(command, error) {
    const verdict = judgeAttempt(command.kind, 'rejected', error.message);
    if (verdict.sign) this.client.suspect(this.connection?.generation ?? this.generation, verdict.sign);
    if (!verdict.mayRetry) return command.fail(error);
    error.outcome = 'rejected';
    const pause = this.isClosed ? null : this.client.pauseBefore(command);
    if (pause === null) return command.fail(error);
    command.attempts += 1;
    command.lastError = error;
    command.notBefore = performance.now() + pause;
    this.retried += 1;
    this.park(command);
  }

  /** Ends what is out of time. @param {number} now */
  sweep(now) {
    if (this.waiting.some((command) => command.isDone || command.deadline <= now)) {
      const waiting = this.waiting;
      this.waiting = [];
      this.waitingBytes = 0;
      for (const command of waiting) {
        if (command.isDone) continue;
        if (command.deadline <= now) command.fail(timeoutError(command, 'not-sent'));
        else this.park(command);
      }
    }
    if (this.connection) sweepConnection(this.connection, now, this.client.responseTimeout);
  }

  /** @param {SentinelleError} error */
  failAll(error) {
    const waiting = this.waiting;
    this.waiting = [];
    this.waitingBytes = 0;
    for (const command of waiting) command.fail(error);
  }

  /** @param {SentinelleError} reason */
  close(reason) {
    this.isClosed = true;
    this.dialing?.abort();
    if (this.timer) clearTimeout(this.timer);
    this.failAll(reason);
    this.connection?.end(reason);
    this.connection = null;
  }
}

/** Ends commands of a connection that are out of time, and the connection when its server has fallen silent. @param {Connection} connection @param {number} now @param {number} limit */
function sweepConnection(connection, now, limit) {
  const { inFlight } = connection;
  for (let index = 0; index < inFlight.length; index++) {
    const command = /** @type {Command} */ (inFlight.at(index));
    if (command.deadline > now) break;
    if (!command.isDone) command.fail(timeoutError(command, 'unknown'));
  }
  if (inFlight.length > 0 && now - connection.silentSince > limit) {
    const where = at(connection.address);
    connection.end(new SentinelleError('ERR_TIMEOUT', `${where} has not answered for ${limit} ms`, { address: where }));
  }
}

/** Lets a replaced master answer reads for a moment; with a write under way it is cut off at once. @param {Connection} connection */
function retire(connection) {
  const { inFlight } = connection;
  let writes = 0;
  for (let index = 0; index < inFlight.length; index++) {
    const command = /** @type {Command} */ (inFlight.at(index));
    if (!command.isDone && command.kind !== READ) writes += 1;
  }
  const end = () => connection.end(movedError(connection.address));
  if (writes > 0 || inFlight.length === 0) return end();
  connection.flush();
  setTimeout(end, DRAIN_READS);
}

/** @param {Address} address */
function movedError(address) {
  return new SentinelleError('ERR_MOVED', `${at(address)} is no longer the master`, { address: at(address), retryable: true });
}

/** @param {SentinelleError} error */
function signOf(error) {
  if (error.code === 'ERR_TIMEOUT') return 'timed-out';
  if (error.code === 'ERR_NO_MASTER') return 'read-only';
  return 'disconnected';
}

function closedError() {
  return new SentinelleError('ERR_CLOSED', 'the client is closed', { outcome: 'not-sent' });
}

module.exports = { MasterLink, sweepConnection, closedError, movedError };
