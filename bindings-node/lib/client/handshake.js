// Decides what a new connection says first, in one pipeline, and what the replies mean.
'use strict';

const { SentinelleError, ReplyError } = require('../errors.js');

const VERSION = require('../../package.json').version;

/** @typedef {import('./connection.js').ConnectionOptions} ConnectionOptions */

/**
 * The first words to a server.
 *
 * @param {ConnectionOptions} options
 * @param {2 | 3} protocol
 * @returns {string[][]}
 */
function greeting({ username, password, db, clientName, role }, protocol) {
  const lines = [];
  if (protocol === 3) {
    const auth = password === undefined ? [] : ['AUTH', username ?? 'default', password];
    lines.push(['HELLO', '3', ...auth]);
  } else if (password !== undefined) {
    lines.push(username === undefined ? ['AUTH', password] : ['AUTH', username, password]);
  }
  if (clientName) lines.push(['CLIENT', 'SETNAME', clientName]);
  lines.push(['CLIENT', 'SETINFO', 'LIB-NAME', 'sentinelle'], ['CLIENT', 'SETINFO', 'LIB-VER', VERSION]);
  lines.push(['CLIENT', 'CAPA', 'redirect']);
  if (db) lines.push(['SELECT', String(db)]);
  if (role !== null) lines.push(['ROLE']);
  return lines;
}

/**
 * Judges the replies: throws when the connection may not be used, gives the lines to say when a server speaks only RESP2.
 *
 * @param {string[][]} lines
 * @param {any[]} replies
 * @param {ConnectionOptions} options
 * @returns {string[][] | null}
 */
function judge(lines, replies, options) {
  const where = `${options.address.host}:${options.address.port}`;
  for (let index = 0; index < lines.length; index++) {
    const [name] = lines[index];
    const reply = replies[index];
    if (!(reply instanceof ReplyError)) continue;
    if (name === 'HELLO' && /^(NOPROTO|ERR unknown command)/.test(reply.message)) return greeting(options, 2);
    if (name === 'CLIENT') continue;
    if (name === 'ROLE' && reply.code === 'NOPERM') return roleOfHello(lines, replies, options, where);
    throw refusal(reply, where);
  }
  const role = lines.findIndex(([name]) => name === 'ROLE');
  if (role >= 0) checkRole(replies[role], options.role ?? 'master', where);
  return null;
}

/** Who may not ask for the role is told it by HELLO. @param {string[][]} lines @param {any[]} replies @param {ConnectionOptions} options @param {string} where */
function roleOfHello(lines, replies, options, where) {
  const hello = replies[lines.findIndex(([name]) => name === 'HELLO')];
  const said = hello instanceof Map ? hello.get('role') : undefined;
  if (said !== undefined) checkRole([said === 'replica' ? 'slave' : said, '', 0, 'connected'], options.role ?? 'master', where);
  return null;
}

/** @param {any} reply @param {string} expected @param {string} where */
function checkRole(reply, expected, where) {
  const role = Array.isArray(reply) ? String(reply[0]) : 'nothing known';
  if (role !== expected)
    throw new SentinelleError('ERR_NO_MASTER', `${where} is ${role}, not ${expected}`, { address: where, outcome: 'not-sent', retryable: true });
  if (role === 'slave' && String(reply[3]) !== 'connected') {
    throw new SentinelleError('ERR_NO_REPLICA', `${where} is not in sync with its master: ${reply[3]}`, {
      address: where,
      outcome: 'not-sent',
      retryable: true,
    });
  }
}

/** @param {ReplyError} reply @param {string} where */
function refusal(reply, where) {
  const isAuth = /^(NOAUTH|WRONGPASS|NOPERM)$|invalid password|without any password/i.test(`${reply.code}`) || /password/i.test(reply.message);
  const code = isAuth ? 'ERR_AUTH' : 'ERR_NOT_READY';
  return new SentinelleError(code, `${where} refused the connection: ${reply.message}`, {
    address: where,
    outcome: 'not-sent',
    retryable: !isAuth,
    cause: reply,
  });
}

module.exports = { greeting, judge };
