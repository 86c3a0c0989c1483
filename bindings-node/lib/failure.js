// Decides which error a failure of the engine is to JavaScript: one table over all its kinds.
'use strict';

const { ReplyError, SentinelleError } = require('./errors.js');

/** The code of each kind of failure, by the kind's name. @type {Readonly<Record<string, string>>} */
const CODES = Object.freeze({
  config: 'ERR_CONFIG',
  file: 'ERR_FILE',
  listen: 'ERR_BIND',
  connection: 'ERR_CONNECTION',
  protocol: 'ERR_PROTOCOL',
  stopped: 'ERR_CLOSED',
  'no-server': 'ERR_NO_SERVER',
  timeout: 'ERR_TIMEOUT',
  cancelled: 'ERR_ABORTED',
  tls: 'ERR_TLS',
  auth: 'ERR_AUTH',
  'pool-exhausted': 'ERR_POOL_EXHAUSTED',
  backpressure: 'ERR_BACKPRESSURE',
  'sentinels-unreachable': 'ERR_NO_SENTINEL',
  'master-unknown': 'ERR_UNKNOWN_MASTER',
  'master-not-ready': 'ERR_NO_MASTER',
  'no-agreement': 'ERR_NO_AGREEMENT',
  'no-replica': 'ERR_NO_REPLICA',
  moved: 'ERR_MOVED',
  server: 'ERR_SERVER',
  'read-only': 'ERR_READ_ONLY',
  loading: 'ERR_LOADING',
  'no-permission': 'ERR_NO_PERMISSION',
  argument: 'ERR_ARGUMENT',
  handle: 'ERR_HANDLE',
  state: 'ERR_STATE',
  unsupported: 'ERR_UNSUPPORTED',
  forked: 'ERR_FORKED',
  busy: 'ERR_BUSY',
  panic: 'ERR_BUG',
  quorum: 'ERR_QUORUM',
});

/** The error that a failure of the engine, which comes as JSON in an error's message, is to the user. @param {unknown} error */
function translate(error) {
  if (!(error instanceof Error) || !error.message.startsWith('{')) return error;
  const failure = JSON.parse(error.message);
  const translated = new SentinelleError(CODES[failure.name] ?? 'ERR_BUG', failure.message, {
    outcome: failure.outcome ?? undefined,
    address: failure.address ?? undefined,
    attempts: failure.evidence,
    retryable: failure.retryable,
  });
  if (failure.server_code) Object.assign(translated, { serverCode: failure.server_code });
  return translated;
}

/** What `work` gives, with its failures translated. @template T @param {() => T} work @returns {T} */
function guarded(work) {
  try {
    return work();
  } catch (error) {
    throw translate(error);
  }
}

/** What a promise of the engine gives, with its failures translated. @template T @param {() => Promise<T>} work @returns {Promise<T>} */
async function settled(work) {
  try {
    return await work();
  } catch (error) {
    throw translate(error);
  }
}

/** A reply of the engine, which comes as JSON. @param {string} json @returns {any} */
function readReply(json) {
  const reply = revive(JSON.parse(json));
  if (reply instanceof ReplyError) throw reply;
  return reply;
}

/** @param {any} value @returns {any} */
function revive(value) {
  if (Array.isArray(value)) return value.map(revive);
  if (value === null || typeof value !== 'object') return value;
  const keys = Object.keys(value);
  if (keys.length === 1 && typeof value.error === 'string') return new ReplyError(value.error);
  if (keys.length === 1 && typeof value.hex === 'string') return Buffer.from(value.hex, 'hex');
  return Object.fromEntries(keys.map((key) => [key, revive(value[key])]));
}

module.exports = { CODES, translate, guarded, settled, readReply };
