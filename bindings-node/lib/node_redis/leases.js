// Decides who has a client of node-redis alone: a lease is a connection of its own, and ends with its master.
'use strict';

const { SentinelleError } = require('../errors.js');
const { connected, discard } = require('./follower.js');

/** The leases of one createSentinel; stands where the client of a lease expects the inside of node-redis. */
class Leases {
  /** @param {any} owner the adapter: follower, options, `makeClient` */
  constructor(owner) {
    this.owner = owner;
    this.keyPrefix = owner.options.keyPrefix;
    /** @type {Set<any>} */
    this.infos = new Set();
    /** @type {any[]} clients that were given back */
    this.idle = [];
    /** @type {(() => void)[]} */
    this.waiters = [];
    this.most = Math.max(1, owner.options.masterPoolSize ?? 1);
  }

  get isOpen() {
    return this.owner.isOpen;
  }

  get isReady() {
    return this.owner.isReady;
  }

  /** @param {number} timeout */
  async acquire(timeout) {
    const deadline = performance.now() + timeout;
    while (this.infos.size >= this.most) await this.turn(deadline);
    const info = { client: /** @type {any} */ (null), generation: -1, isWatching: false };
    this.infos.add(info);
    try {
      const { follower } = this.owner;
      const { generation } = await follower.current({ deadline, isRead: true });
      info.generation = generation;
      const idle = this.idle.pop();
      info.client = idle?.client.isReady && idle.generation === generation ? idle.client : await connected(this.owner.makeClient, follower.node);
      return info;
    } catch (error) {
      this.end(info);
      throw error;
    }
  }

  /** @param {number} deadline @returns {Promise<void>} */
  turn(deadline) {
    return new Promise((resolve, reject) => {
      const go = () => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(
        () => {
          this.waiters.splice(this.waiters.indexOf(go), 1);
          reject(new SentinelleError('ERR_POOL_EXHAUSTED', `all ${this.most} leases are in use (masterPoolSize)`, { outcome: 'not-sent', retryable: true }));
        },
        Math.max(0, deadline - performance.now()),
      );
      this.waiters.push(go);
    });
  }

  /** Runs a command of a lease. @param {(client: any) => Promise<any>} work @param {any} info @returns {Promise<any>} */
  async execute(work, info) {
    const { follower, commandTimeout } = this.owner;
    if (info.generation !== follower.generation || !info.client.isReady) {
      throw new SentinelleError('ERR_MOVED', 'the lease belonged to a master that was replaced: nothing was run', { outcome: 'not-sent', retryable: true });
    }
    // A transaction of a lease is a write, and waits while a replica is promoted.
    await follower.current({ deadline: performance.now() + commandTimeout, isRead: false });
    if (info.generation !== follower.generation) return this.execute(work, info);
    return work(info.client);
  }

  /** @param {any} info */
  releaseClientLease(info) {
    const { client, generation } = info;
    const isGood = client?.isReady && generation === this.owner.follower.generation && this.owner.isOpen;
    this.end(info, isGood);
    if (!isGood) return undefined;
    return client.unwatch().then(
      () => this.idle.push({ client, generation }),
      () => discard(client),
    );
  }

  /** @param {any} info @param {boolean} [keeps] */
  end(info, keeps = false) {
    this.infos.delete(info);
    if (info.client && !keeps) discard(info.client);
    this.waiters.shift()?.();
  }

  /** The master was replaced. */
  cut() {
    for (const { client } of this.idle.splice(0)) discard(client);
    for (const info of this.infos) if (info.client && info.generation !== this.owner.follower.generation) discard(info.client);
  }

  close() {
    for (const { client } of this.idle.splice(0)) discard(client);
    for (const info of [...this.infos]) this.end(info);
  }
}

module.exports = { Leases };
