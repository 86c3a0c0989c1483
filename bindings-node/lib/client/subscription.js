// Decides how messages reach a reader across a change of the master: in order, bounded, with every gap told.
'use strict';

const { Connection } = require('./connection.js');
const { backoff } = require('./policy.js');
const { encode } = require('../resp/encode.js');
const { ReplyError, abortError } = require('../errors.js');
const { closedError } = require('./link.js');
const { Fifo } = require('./fifo.js');

/** How many messages wait for a slow reader; the oldest go first, and a gap says how many. */
const MOST_MESSAGES = 10_000;

/** The messages of some channels, over a connection of its own. */
class Subscription {
  /** @param {import('./client.js').Client} client @param {string[]} channels @param {{ pattern?: boolean, signal?: AbortSignal }} options */
  constructor(client, channels, { pattern = false, signal }) {
    this.client = client;
    this.channels = channels;
    this.verb = pattern ? 'PSUBSCRIBE' : 'SUBSCRIBE';
    this.signal = signal;
    /** How often the channels were subscribed to again, on another connection. */
    this.resubscribed = 0;
    /** @type {Fifo<any>} */
    this.queue = new Fifo();
    this.dropped = 0;
    /** @type {((result: IteratorResult<any>) => void)[]} */
    this.readers = [];
    /** @type {Connection | null} */
    this.connection = null;
    this.isClosed = false;
    this.generation = 0;
    /** @type {number | null} */
    this.lostAt = null;
    this.aborted = () => this.close();
    signal?.addEventListener('abort', this.aborted, { once: true });
  }

  /** Resolves when the server has confirmed every channel. @param {number} deadline */
  async start(deadline) {
    if (this.signal?.aborted) throw abortError(this.signal, 'not-sent');
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.connect(deadline);
      } catch (error) {
        if (this.isClosed || performance.now() >= deadline || !this.client.isRetryable(error)) {
          this.close();
          throw this.signal?.aborted ? abortError(this.signal, 'not-sent') : error;
        }
        await pause(backoff(attempt));
      }
    }
  }

  /** @param {number} deadline */
  async connect(deadline) {
    const { node, generation } = await this.client.currentMaster(deadline, this.signal);
    /** @type {(error: Error | null) => void} */
    let settle = () => {};
    const confirmed = new Promise((resolve, reject) => {
      settle = (error) => (error ? reject(error) : resolve(undefined));
    });
    confirmed.catch(() => {});
    let missing = this.channels.length;
    const hear = (/** @type {any[]} */ push) => {
      const kind = String(push[0]);
      if (kind === 'subscribe' || kind === 'psubscribe') {
        missing -= 1;
        if (missing === 0) settle(null);
      } else if (kind === 'message') this.put({ kind, channel: String(push[1]), message: push[2] });
      else if (kind === 'pmessage') this.put({ kind: 'message', pattern: String(push[1]), channel: String(push[2]), message: push[3] });
    };
    const connection = await Connection.open({ ...this.client.node, address: node, generation, role: 'master', signal: this.signal, onPush: hear });
    if (this.isClosed) return connection.end(closedError());
    connection.onLost = ({ reason }) => {
      settle(reason);
      this.onLost(connection);
    };
    const refused = (/** @type {any} */ reply) => {
      if (reply instanceof ReplyError) settle(reply);
      else if (Array.isArray(reply)) hear(reply);
      // In RESP2 every message is a reply to the subscription, which never ends.
      return false;
    };
    connection.send({ payload: encode([this.verb, ...this.channels]), deadline: Infinity, take: refused });
    const late = setTimeout(() => connection.end(closedError()), Math.max(1, deadline - performance.now()));
    await confirmed.finally(() => clearTimeout(late));
    this.connection = connection;
    if (this.isClosed) return connection.end(closedError());
    if (this.lostAt !== null) {
      this.resubscribed += 1;
      this.put({ kind: 'gap', from: this.generation, to: generation, ms: performance.now() - this.lostAt, dropped: 0 });
    }
    this.lostAt = null;
    this.generation = generation;
    // A server that was replaced while this was being set up.
    if (generation !== this.client.generation) this.follow(this.client.generation);
  }

  /** @param {Connection} connection */
  onLost(connection) {
    if (this.connection !== connection || this.isClosed) return;
    this.connection = null;
    this.lostAt = performance.now();
    this.client.suspect(connection.generation, 'disconnected');
    this.reconnect();
  }

  async reconnect() {
    for (let attempt = 1; !this.isClosed; attempt++) {
      try {
        return await this.connect(performance.now() + 5000);
      } catch (error) {
        if (this.isClosed) return;
        this.client.warn(/** @type {Error} */ (error));
        await pause(backoff(attempt));
      }
    }
  }

  /** The master was replaced. @param {number} generation */
  follow(generation) {
    const { connection } = this;
    if (connection && connection.generation !== generation) connection.end(closedError());
  }

  /** @param {any} message */
  put(message) {
    const reader = this.readers.shift();
    if (reader) return reader({ value: message, done: false });
    if (this.queue.length >= MOST_MESSAGES) {
      this.queue.shift();
      this.dropped += 1;
    }
    this.queue.push(message);
  }

  /** @returns {Promise<IteratorResult<any>>} */
  next() {
    if (this.dropped > 0) {
      const { dropped, generation } = this;
      this.dropped = 0;
      return Promise.resolve({ value: { kind: 'gap', from: generation, to: generation, ms: 0, dropped }, done: false });
    }
    if (this.queue.length > 0) return Promise.resolve({ value: this.queue.shift(), done: false });
    if (this.isClosed) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => this.readers.push(resolve));
  }

  async return() {
    this.close();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  /** Ends it; what was received may still be read. */
  close() {
    if (this.isClosed) return;
    this.isClosed = true;
    this.signal?.removeEventListener('abort', this.aborted);
    this.client.subscriptions.delete(this);
    this.connection?.end(closedError());
    this.connection = null;
    for (const reader of this.readers.splice(0)) reader({ value: undefined, done: true });
  }

  async [Symbol.asyncDispose]() {
    this.close();
  }
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

module.exports = { Subscription };
