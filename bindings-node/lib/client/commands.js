// Decides which commands have methods of their own; everything else goes through `call`.
'use strict';

/** @typedef {string | Uint8Array | number | bigint} Arg */

/** @param {any} reply a list of RESP2 or a map of RESP3 */
function toRecord(reply) {
  /** @type {Record<string, any>} */
  const record = Object.create(null);
  if (reply instanceof Map) for (const [key, value] of reply) record[String(key)] = value;
  else for (let index = 0; index < reply.length; index += 2) record[String(reply[index])] = reply[index + 1];
  return record;
}

/** @param {Arg} key @param {Arg} value @param {any} [options] */
function setWords(key, value, options) {
  /** @type {Arg[]} */
  const words = ['SET', key, value];
  if (options === undefined) return words;
  if (options.ex !== undefined) words.push('EX', options.ex);
  if (options.px !== undefined) words.push('PX', options.px);
  if (options.nx) words.push('NX');
  if (options.xx) words.push('XX');
  if (options.get) words.push('GET');
  return words;
}

/** The typed commands: name, words, and what becomes of the reply. @type {Record<string, (...args: any[]) => { words: Arg[], transform?: (reply: any) => any }>} */
const COMMANDS = {
  get: (key) => ({ words: ['GET', key] }),
  set: (key, value, options) => ({ words: setWords(key, value, options) }),
  del: (...keys) => ({ words: ['DEL', ...keys] }),
  exists: (...keys) => ({ words: ['EXISTS', ...keys] }),
  expire: (key, seconds) => ({ words: ['EXPIRE', key, seconds] }),
  incr: (key) => ({ words: ['INCR', key] }),
  mget: (...keys) => ({ words: ['MGET', ...keys] }),
  hget: (key, field) => ({ words: ['HGET', key, field] }),
  hset: (key, fields) => ({ words: ['HSET', key, ...Object.entries(fields).flat()] }),
  hgetall: (key) => ({ words: ['HGETALL', key], transform: toRecord }),
  lpush: (key, ...values) => ({ words: ['LPUSH', key, ...values] }),
  rpush: (key, ...values) => ({ words: ['RPUSH', key, ...values] }),
  publish: (channel, message) => ({ words: ['PUBLISH', channel, message] }),
  eval: (script, keys, ...args) => ({ words: ['EVAL', script, keys.length, ...keys, ...args] }),
  wait: (replicas, timeout) => ({ words: ['WAIT', replicas, timeout] }),
};

/**
 * Gives a class the typed commands; each ends in `run(words, transform)`.
 *
 * @param {any} type
 * @param {(this: any, words: Arg[], transform?: (reply: any) => any) => any} run
 */
function addCommands(type, run) {
  for (const [name, build] of Object.entries(COMMANDS)) {
    type.prototype[name] = function (/** @type {any[]} */ ...args) {
      const { words, transform } = build(...args);
      return run.call(this, words, transform);
    };
  }
  // The two that matter most for speed do without the lists in between.
  type.prototype.get = function (/** @type {Arg} */ key) {
    return run.call(this, ['GET', key]);
  };
}

module.exports = { addCommands };
