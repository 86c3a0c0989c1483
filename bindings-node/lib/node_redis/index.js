// Decides what `sentinelle/node-redis` exports: one client that follows the master, and a createSentinel over it.
'use strict';

const { Discovery } = require('../discovery.js');
const { Follower, PATIENCE } = require('./follower.js');
const { createSentinel } = require('./sentinel.js');

/**
 * Keeps one plain client of yours pointed at the master; `create` is called with each new address.
 *
 * @param {any} discovery a Discovery, or its options
 * @param {(node: any) => any} create
 * @param {{ timeout?: number, signal?: AbortSignal }} [limits]
 */
async function follow(discovery, create, { timeout = PATIENCE, signal } = {}) {
  const isShared = typeof discovery?.master === 'function';
  const source = isShared ? discovery : new Discovery(discovery);
  const follower = new Follower(source, create);
  const close = async () => {
    const client = follower.close();
    if (!isShared) await source.close();
    await client?.close?.();
  };
  try {
    await follower.current({ deadline: performance.now() + timeout, isRead: true, signal });
  } catch (error) {
    await close();
    throw error;
  }
  return {
    /** The current client; the last one while there is none. */
    get client() {
      return follower.client;
    },
    get node() {
      return follower.node;
    },
    discovery: source,
    /** Runs `work` with the current client, and again after a failover, if that is safe. @param {(client: any) => Promise<any>} work @param {any} [options] */
    use: (work, options) => follower.run(work, options),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Options for groups whose servers have one port: the name is looked up at each connection. @param {any} discovery @param {number} port */
function socketOptions(discovery, port) {
  return {
    socket: { host: discovery.name, port, lookup: discovery.lookup, reconnectStrategy: (/** @type {number} */ retries) => Math.min(retries * 10, 500) },
    maintNotifications: 'disabled',
  };
}

module.exports = { createSentinel, follow, socketOptions };
