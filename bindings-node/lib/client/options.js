// Decides what the options of a client mean: which belong to its connections, which to its discovery.
'use strict';

const { SentinelleError } = require('../errors.js');

/** What the engine's table calls a policy, and what it is called here. */
const POLICIES = new Set(['master', 'replica', 'prefer-replica', 'lowest-latency']);

/** @param {any} given a URL, or an object that may have `url` */
function readOptions(given) {
  const options = typeof given === 'string' ? fromUrl(given) : given?.url ? { ...fromUrl(given.url), ...given } : { ...given };
  const readFrom = options.readFrom ?? 'master';
  if (typeof readFrom !== 'function' && !POLICIES.has(readFrom)) throw bad('readFrom', readFrom);
  const protocol = options.protocol ?? 3;
  if (protocol !== 2 && protocol !== 3) throw bad('protocol', protocol);
  if (options.decode !== undefined && options.decode !== 'string' && options.decode !== 'buffer') throw bad('decode', options.decode);
  const inFlight = options.retry?.inFlight ?? 'idempotent';
  if (!['never', 'readonly', 'idempotent', 'always'].includes(inFlight)) throw bad('retry.inFlight', inFlight);
  return {
    readFrom,
    inFlight,
    discovery: options.discovery,
    makeDiscovery: () => {
      const { Discovery } = require('../discovery.js');
      return new Discovery(options);
    },
    pushHandler: options.pushHandler,
    commandTimeout: positive('commandTimeout', options.commandTimeout ?? options.retry?.deadline ?? 5000),
    responseTimeout: positive('responseTimeout', options.responseTimeout ?? 2000),
    mostPending: positive('maxPending', options.maxPending ?? 100_000),
    mostLeases: positive('maxLeases', options.maxLeases ?? 16),
    node: {
      username: options.username,
      password: options.password,
      tls: options.tls,
      db: options.db,
      clientName: options.clientName,
      protocol,
      buffers: options.decode === 'buffer',
      connectTimeout: positive('connectTimeout', options.connectTimeout ?? 1000),
    },
  };
}

/** @param {string} url */
function fromUrl(url) {
  const { parseUrl } = require('../options.js');
  return parseUrl(url);
}

/** @param {string} key @param {unknown} value */
function positive(key, value) {
  if (typeof value !== 'number' || !(value > 0)) throw bad(key, value);
  return value;
}

/** @param {string} key @param {unknown} value */
function bad(key, value) {
  return new SentinelleError('ERR_CONFIG', `option ${key} cannot be ${typeof value === 'string' ? JSON.stringify(value) : String(value)}`);
}

module.exports = { readOptions, bad };
