// Decides which server a read goes to, and what happens when that server cannot answer.
'use strict';

const { Connection, at } = require('./connection.js');
const { backoff } = require('./policy.js');
const { sweepConnection } = require('./link.js');
const { SentinelleError } = require('../errors.js');

/** @typedef {import('./command.js').Command} Command */

/** How many reads may wait for the first connection to a replica. */
const MOST_WAITING = 10_000;
/** How much of a new round trip counts in the average. */
const WEIGHT = 0.2;

/** The ways to the replicas, opened when the first read wants one. */
class Readers {
  /** @param {import('./client.js').Client} client */
  constructor(client) {
    this.client = client;
    /** @type {Map<string, Reader>} */
    this.byAddress = new Map();
    /** @type {any} */
    this.topology = null;
    this.turn = 0;
    this.isClosed = false;
  }

  /** @param {Command} command */
  send(command) {
    const chosen = this.choose(command.readFrom);
    if (chosen === null) return this.client.link.send(command);
    if (chosen === undefined)
      return command.fail(new SentinelleError('ERR_NO_REPLICA', 'no replica may be read from', { outcome: 'not-sent', retryable: true }));
    chosen.send(command);
  }

  /** A reader, null for the master, undefined when nobody may answer. @param {any} policy @returns {Reader | null | undefined} */
  choose(policy) {
    const { topology } = this;
    if (topology === null) return null;
    if (typeof policy === 'function') {
      const node = policy(topology);
      if (!node || (topology.master && at(node) === at(topology.master))) return null;
      return this.reader(node);
    }
    const replicas = topology.replicas.filter((/** @type {any} */ node) => node.healthy !== false && !this.byAddress.get(at(node))?.isFailing);
    if (replicas.length === 0) return policy === 'replica' ? undefined : null;
    if (policy === 'lowest-latency') return this.nearest(replicas);
    this.turn = (this.turn + 1) % replicas.length;
    return this.reader(replicas[this.turn]);
  }

  /** The quickest of all, master included; each is tried once first. @param {any[]} replicas */
  nearest(replicas) {
    const readers = replicas.map((node) => this.reader(node));
    const untried = readers.find((reader) => reader.latency === null);
    if (untried) return untried;
    return readers.reduce((best, reader) => (Number(reader.latency) < Number(best.latency) ? reader : best));
  }

  /** @param {{ host: string, port: number }} node */
  reader(node) {
    const key = at(node);
    let reader = this.byAddress.get(key);
    if (!reader) {
      reader = new Reader(this, { host: node.host, port: node.port });
      this.byAddress.set(key, reader);
    }
    return reader;
  }

  /** @param {any} topology */
  follow(topology) {
    this.topology = topology;
    const known = new Set(topology.replicas.map(at));
    for (const [key, reader] of this.byAddress) {
      if (known.has(key)) continue;
      this.byAddress.delete(key);
      reader.close(new SentinelleError('ERR_MOVED', `${key} is no longer a replica`, { address: key, retryable: true }));
    }
  }

  /** @param {number} now */
  sweep(now) {
    for (const reader of this.byAddress.values()) reader.sweep(now);
  }

  /** @param {SentinelleError} reason */
  close(reason) {
    this.isClosed = true;
    for (const reader of this.byAddress.values()) reader.close(reason);
    this.byAddress.clear();
  }
}

/** The way to one replica. */
class Reader {
  /** @param {Readers} readers @param {{ host: string, port: number }} address */
  constructor(readers, address) {
    this.readers = readers;
    this.address = address;
    /** @type {Connection | null} */
    this.connection = null;
    this.isDialing = false;
    this.isFailing = false;
    this.isClosed = false;
    /** @type {Command[]} */
    this.waiting = [];
    /** The smoothed round trip of a greeting, in milliseconds. @type {number | null} */
    this.latency = null;
    this.attempts = 0;
  }

  /** @param {Command} command */
  send(command) {
    if (this.connection !== null) return this.connection.send(command);
    if (this.waiting.length >= MOST_WAITING) return this.readers.client.link.send(command);
    this.waiting.push(command);
    this.dial();
  }

  async dial() {
    if (this.isDialing || this.isClosed) return;
    this.isDialing = true;
    const begun = performance.now();
    const { client } = this.readers;
    try {
      const connection = await Connection.open({
        ...client.node,
        address: this.address,
        role: 'slave',
        onLost: ({ reason, unknown, notSent }) => {
          if (this.connection === connection) this.connection = null;
          this.giveBack([...unknown, ...notSent], reason);
        },
      });
      this.isDialing = false;
      if (this.isClosed) return connection.end(new SentinelleError('ERR_CLOSED', 'the client is closed'));
      const took = performance.now() - begun;
      this.latency = this.latency === null ? took : this.latency + WEIGHT * (took - this.latency);
      this.connection = connection;
      this.isFailing = false;
      this.attempts = 0;
      for (const command of this.waiting.splice(0)) if (!command.isDone) connection.send(command);
    } catch (error) {
      this.isDialing = false;
      this.isFailing = true;
      this.attempts += 1;
      client.warn(/** @type {Error} */ (error));
      setTimeout(() => {
        this.isFailing = false;
      }, 100 + backoff(this.attempts)).unref();
      this.giveBack(this.waiting.splice(0), /** @type {SentinelleError} */ (error));
    }
  }

  /** Reads may always run again: somewhere else. @param {any[]} commands @param {SentinelleError} reason */
  giveBack(commands, reason) {
    for (const command of commands) {
      if (command.isDone) continue;
      if (this.readers.isClosed || this.readers.client.pauseBefore(command) === null) {
        command.fail(reason);
        continue;
      }
      command.attempts += 1;
      command.lastError = reason;
      this.readers.send(command);
    }
  }

  /** @param {number} now */
  sweep(now) {
    if (this.connection) sweepConnection(this.connection, now, this.readers.client.responseTimeout);
    for (const command of this.waiting) {
      if (!command.isDone && command.deadline <= now) command.fail(require('./command.js').timeoutError(command, 'not-sent'));
    }
  }

  /** @param {SentinelleError} reason */
  close(reason) {
    this.isClosed = true;
    this.connection?.end(reason);
    this.giveBack(this.waiting.splice(0), reason);
  }
}

module.exports = { Readers };
