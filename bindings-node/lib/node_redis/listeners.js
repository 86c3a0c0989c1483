// Decides how listeners of channels outlive a change of the master: one client for all of them, subscribed anew on the next.
'use strict';

const { backoff } = require('../client/policy.js');
const { connected, discard } = require('./follower.js');

/** What subscribes, and what undoes it. */
const VERBS = [
  ['subscribe', 'unsubscribe'],
  ['pSubscribe', 'pUnsubscribe'],
  ['sSubscribe', 'sUnsubscribe'],
];

/** The subscriptions of one createSentinel. */
class Listeners {
  /** @param {any} owner the adapter: follower, `makeClient` */
  constructor(owner) {
    this.owner = owner;
    /** @type {any} */
    this.client = null;
    /** @type {Promise<any> | null} */
    this.opening = null;
    /** @type {{ verb: string, channels: string[], listener: any, bufferMode?: boolean }[]} */
    this.entries = [];
  }

  /** The methods of node-redis' object, in both spellings. */
  methods() {
    /** @type {Record<string, (...args: any[]) => Promise<void>>} */
    const methods = {};
    for (const [add, remove] of VERBS) {
      methods[add] = methods[add.toUpperCase()] = (channels, listener, bufferMode) => this.add(add, [channels].flat(), listener, bufferMode);
      methods[remove] = methods[remove.toUpperCase()] = (channels, listener, bufferMode) => this.remove(add, remove, channels, listener, bufferMode);
    }
    return methods;
  }

  /** @param {string} verb @param {string[]} channels @param {any} listener @param {boolean} [bufferMode] */
  async add(verb, channels, listener, bufferMode) {
    const client = await this.open();
    await client[verb](channels, listener, bufferMode);
    this.entries.push({ verb, channels, listener, bufferMode });
  }

  /** @param {string} verb @param {string} undo @param {any} channels @param {any} listener @param {boolean} [bufferMode] */
  async remove(verb, undo, channels, listener, bufferMode) {
    const gone = channels === undefined ? null : new Set([channels].flat());
    this.entries = this.entries
      .map((entry) => {
        const isMeant = entry.verb === verb && (listener === undefined || entry.listener === listener);
        return isMeant ? { ...entry, channels: gone ? entry.channels.filter((channel) => !gone.has(channel)) : [] } : entry;
      })
      .filter(({ channels: left }) => left.length > 0);
    if (this.client) await this.client[undo](channels, listener, bufferMode);
  }

  /** The client of the subscriptions, on the current master. */
  async open() {
    if (this.client?.isReady) return this.client;
    this.opening ??= this.connect().finally(() => {
      this.opening = null;
    });
    return this.opening;
  }

  async connect() {
    const { follower, commandTimeout, makeClient } = this.owner;
    await follower.current({ deadline: performance.now() + commandTimeout, isRead: true });
    const client = await connected(makeClient, follower.node);
    for (const { verb, channels, listener, bufferMode } of this.entries) await client[verb](channels, listener, bufferMode);
    const lost = () => {
      if (this.client === client && !client.isReady) void this.move();
    };
    client.on('error', lost);
    client.on('end', lost);
    this.client = client;
    return client;
  }

  /** Subscribes anew, on whatever is the master. */
  async move() {
    const old = this.client;
    this.client = null;
    if (old) discard(old);
    for (let attempt = 1; this.entries.length > 0 && this.owner.isOpen && !this.client; attempt++) {
      try {
        await this.open();
      } catch (error) {
        this.owner.inner.emit('warning', error);
        await new Promise((resolve) => setTimeout(resolve, backoff(attempt)));
      }
    }
  }

  close() {
    this.entries = [];
    if (this.client) discard(this.client);
    this.client = null;
  }
}

module.exports = { Listeners };
