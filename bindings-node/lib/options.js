// Decides how options of JavaScript become the engine's: its one table of keys, snake_case, with the unit in the name.
'use strict';

const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { SentinelleError } = require('./errors.js');
const { guarded } = require('./failure.js');
const { native } = require('./native_proxy.js');

/** @typedef {[key: string, value: string]} Pair */

/** What is called otherwise in the engine's table. @type {Record<string, Record<string, string>>} */
const NAMES = {
  discovery: {
    learnSentinels: 'discover_peers',
    pollInterval: 'refresh_ms',
    queryTimeout: 'sentinel_time_ms',
    holdMax: 'hold_max_ms',
    probe: 'verify',
  },
  monitor: {
    downAfter: 'down_after_ms',
    failoverTimeout: 'failover_timeout_ms',
    username: 'auth_user',
    password: 'auth_password',
  },
  sentinel: {
    requirepass: 'require_password',
    downAfter: 'down_after_ms',
    failoverTimeout: 'failover_timeout_ms',
  },
  group: {
    downAfter: 'down_after_ms',
    failoverTimeout: 'failover_timeout_ms',
    patience: 'patience_ms',
    sentinels: 'sentinel_count',
  },
};

/** What a word of JavaScript is in the table. @type {Record<string, Record<string, string>>} */
const WORDS = { verify: { none: 'off' }, agreement: { any: 'newest' }, hold: { true: 'auto', false: 'off' } };

/**
 * Keys and values for the engine.
 *
 * @param {'discovery' | 'monitor' | 'sentinel' | 'group'} scope
 * @param {Record<string, any>} options
 * @returns {Pair[]}
 */
function toPairs(scope, options) {
  /** @type {Pair[]} */
  const pairs = [];
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || value === null) continue;
    const key = NAMES[scope][name] ?? snakeCase(name);
    if (Array.isArray(value) && key.endsWith('_option')) {
      for (const line of value) pairs.push([key, String(line)]);
    } else {
      pairs.push([key, WORDS[key]?.[String(value)] ?? toText(key, value)]);
    }
  }
  return pairs;
}

/** @param {string} key @param {any} value */
function toText(key, value) {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (key === 'address_map') return mapText(value);
  if (Array.isArray(value)) return value.map(addressText).join(',');
  if (typeof value === 'object' || typeof value === 'function') {
    throw new SentinelleError('ERR_CONFIG', `option ${key} cannot be a ${typeof value}`);
  }
  return String(value);
}

/** @param {Record<string, { host: string, port: number }>} map */
function mapText(map) {
  return Object.entries(map)
    .map(([from, to]) => `${from}=${addressText(to)}`)
    .join(',');
}

/** @param {string | { host?: string, port?: number }} address */
function addressText(address) {
  if (typeof address === 'string') return address.includes(':') ? address : `${address}:26379`;
  const { host = '127.0.0.1', port = 26379 } = address;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The address that a text says. @param {string} text @returns {{ host: string, port: number }} */
function parseAddress(text) {
  const colon = text.lastIndexOf(':');
  const host = text.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  return { host, port: Number(text.slice(colon + 1)) };
}

/** @param {string} name */
function snakeCase(name) {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/**
 * The engine's options for TLS on one side, and what must be removed when they were read.
 *
 * Certificates given as text go through files of a folder only this user can read.
 *
 * @param {'tls' | 'sentinel_tls'} side
 * @param {any} given
 * @returns {{ pairs: Pair[], remove: () => void }}
 */
function tlsPairs(side, given) {
  if (!given) return { pairs: [], remove: () => {} };
  /** @type {Pair[]} */
  const pairs = [[side, 'yes']];
  /** @type {string | undefined} */
  let folder;
  const file = (/** @type {string} */ key, /** @type {any} */ content) => {
    if (content === undefined || content === null) return;
    folder ??= mkdtempSync(join(tmpdir(), 'sentinelle-tls-'));
    const path = join(folder, key);
    const text = [content].flat().map((part) => (typeof part === 'string' ? part : Buffer.from(part).toString('latin1')));
    writeFileSync(path, text.join('\n'), { mode: 0o600 });
    pairs.push([`${side}_${key}_file`, path]);
  };
  if (given !== true) {
    file('ca', given.ca);
    file('cert', given.cert);
    file('key', given.key);
    if (typeof given.servername === 'string') pairs.push([`${side}_server_name`, given.servername]);
    if (given.rejectUnauthorized === false) pairs.push([`${side}_insecure`, 'yes']);
  }
  return { pairs, remove: () => folder && rmSync(folder, { recursive: true, force: true }) };
}

/**
 * The options that a URL stands for, in the words of JavaScript.
 *
 * @param {string} url
 * @returns {Record<string, any>}
 */
function parseUrl(url) {
  /** @type {Record<string, any>} */
  const options = {};
  const pairs = guarded(() => native.parseUrl(url));
  for (const [key, value] of pairs) options[fromKey(key)] = fromText(key, value);
  return tidyTls(options);
}

/** What the engine's keys are called here. @type {Record<string, string>} */
const KEYS = {
  master: 'name',
  timeout_ms: 'commandTimeout',
  max: 'maxLeases',
  ...Object.fromEntries(Object.entries(NAMES.discovery).map(([name, key]) => [key, name])),
};

/** @param {string} key */
function fromKey(key) {
  return KEYS[key] ?? key.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
}

/** What the engine's table calls a read policy. @type {Record<string, string>} */
const POLICIES = {
  master: 'master',
  master_preferred: 'master',
  replica: 'replica',
  replica_preferred: 'prefer-replica',
  any: 'prefer-replica',
  nearest: 'lowest-latency',
};

/** @param {string} key @param {string} value @returns {any} */
function fromText(key, value) {
  if (key === 'sentinels') return value.split(',').map(parseAddress);
  if (key === 'read_from') return POLICIES[value] ?? value;
  if (key === 'db' || key === 'max' || key.endsWith('_ms')) return Number(value);
  if (key === 'address_map')
    return Object.fromEntries(
      value
        .split(',')
        .map((pair) => pair.split('='))
        .map(([from, to]) => [from, parseAddress(to)]),
    );
  if (/^(yes|true|1|on)$/i.test(value) && !/password|name|master/.test(key)) return true;
  if (/^(no|false|0|off)$/i.test(value) && !/password|name|master|verify|hold$/.test(key)) return false;
  return value;
}

/** The TLS options of one side as one object, as Node knows them. @param {Record<string, any>} options */
function tidyTls(options) {
  const { readFileSync } = require('node:fs');
  for (const side of ['tls', 'sentinelTls']) {
    /** @type {Record<string, any>} */
    const tls = {};
    for (const [key, name] of [
      ['CaFile', 'ca'],
      ['CertFile', 'cert'],
      ['KeyFile', 'key'],
    ]) {
      const path = options[side + key];
      if (path !== undefined) tls[name] = readFileSync(path, 'utf8');
      delete options[side + key];
    }
    if (options[`${side}ServerName`] !== undefined) tls.servername = options[`${side}ServerName`];
    if (options[`${side}Insecure`]) tls.rejectUnauthorized = false;
    delete options[`${side}ServerName`];
    delete options[`${side}Insecure`];
    if (options[side] && Object.keys(tls).length > 0) options[side] = tls;
  }
  return options;
}

module.exports = { toPairs, tlsPairs, addressText, parseAddress, parseUrl };
