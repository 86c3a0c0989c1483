// Decides to which server an adapter's next connection goes, and when it is worth trying: the engine's word, never a blind retry.
'use strict';

const net = require('node:net');
const tls = require('node:tls');
const { SentinelleError, abortError } = require('./errors.js');

/** How long to wait before the same server is tried again. */
const PAUSE = 25;

/**
 * A connected socket to the server that has the role, by the newest picture of the discovery.
 *
 * Tries whatever the engine names, waits for its next word where that fails, and gives up at the deadline.
 *
 * @param {import('./discovery.js').Discovery} discovery
 * @param {{ role?: 'master' | 'slave', prefer?: (replicas: any[]) => any, tls?: any, connectTimeout?: number, deadline: number, signal?: AbortSignal }} options
 * @returns {Promise<{ socket: net.Socket, node: any, generation: number }>}
 */
async function dial(discovery, options) {
  /** @type {unknown} */
  let last = null;
  for (;;) {
    if (options.signal?.aborted) throw abortError(options.signal);
    const left = options.deadline - performance.now();
    if (left <= 0)
      throw last ?? new SentinelleError('ERR_NO_MASTER', `no ${options.role ?? 'master'} of ${discovery.name} was found in time`, { retryable: true });
    try {
      const topology = await picture(discovery, options, left);
      const node = choose(topology, options);
      try {
        const limit = Math.max(1, Math.min(options.connectTimeout ?? 1000, options.deadline - performance.now()));
        const socket = await open(node, options, limit);
        // The master may have been replaced while the connection was made.
        if (options.role === 'slave' || discovery.topology === null || discovery.topology.generation === topology.generation)
          return { socket, node, generation: topology.generation };
        socket.destroy();
      } catch (error) {
        if (options.role !== 'slave') discovery.suspect(topology.generation, 'disconnected');
        throw error;
      }
    } catch (error) {
      last = error;
      if (options.signal?.aborted || isFinal(error)) throw error;
      await next(discovery, Math.min(PAUSE, options.deadline - performance.now()), options.signal);
    }
  }
}

/** The newest picture with a master that is not in doubt. @param {any} discovery @param {any} options @param {number} left */
async function picture(discovery, { signal }, left) {
  const { topology } = discovery;
  if (topology?.master && (topology.phase === 'up' || topology.phase === 'hold')) return topology;
  return discovery.resolve({ timeout: left, signal });
}

/** @param {any} topology @param {any} options */
function choose(topology, { role, prefer }) {
  if (role !== 'slave') return topology.master;
  const replicas = topology.replicas;
  if (replicas.length === 0)
    throw new SentinelleError('ERR_NO_REPLICA', `the master ${topology.name} has no replica that may be read from`, { retryable: true });
  return prefer?.(replicas) ?? replicas[Math.floor(Math.random() * replicas.length)];
}

/** @param {unknown} error */
function isFinal(error) {
  return error instanceof SentinelleError && ['ERR_CONFIG', 'ERR_CLOSED', 'ERR_ABORTED'].includes(error.code);
}

/** @param {{ host: string, port: number }} node @param {{ tls?: any, signal?: AbortSignal }} options @param {number} limit @returns {Promise<net.Socket>} */
function open({ host, port }, { tls: secure, signal }, limit) {
  return new Promise((resolve, reject) => {
    const given = secure === true ? {} : secure;
    const socket = given ? tls.connect({ servername: net.isIP(host) ? undefined : host, ...given, host, port }) : net.connect({ host, port });
    const fail = (/** @type {Error} */ error) => {
      done();
      socket.destroy();
      reject(error);
    };
    const where = `${host}:${port}`;
    const broken = (/** @type {Error} */ cause) =>
      fail(new SentinelleError('ERR_CONNECTION', `${where} cannot be connected to: ${cause.message}`, { address: where, cause, retryable: true }));
    const late = () =>
      fail(new SentinelleError('ERR_TIMEOUT', `${where} could not be connected to within ${Math.round(limit)} ms`, { address: where, retryable: true }));
    const aborted = () => fail(abortError(/** @type {AbortSignal} */ (signal)));
    const timer = setTimeout(late, limit);
    const done = () => {
      clearTimeout(timer);
      socket.off('error', broken);
      signal?.removeEventListener('abort', aborted);
    };
    socket.once('error', broken);
    signal?.addEventListener('abort', aborted, { once: true });
    socket.once(given ? 'secureConnect' : 'connect', () => {
      done();
      resolve(socket);
    });
  });
}

/** The engine's next picture, or the end of the pause. @param {any} discovery @param {number} ms @param {AbortSignal} [signal] @returns {Promise<void>} */
function next(discovery, ms, signal) {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      discovery.off('topology', wake);
      signal?.removeEventListener('abort', wake);
      resolve();
    };
    const timer = setTimeout(wake, Math.max(1, ms));
    discovery.on('topology', wake);
    signal?.addEventListener('abort', wake, { once: true });
  });
}

module.exports = { dial };
