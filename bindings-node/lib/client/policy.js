// Decides nothing of its own: asks the engine what a command may do and what follows a failure, and remembers the answers.
'use strict';

const { native } = require('../native_proxy.js');

const READ = 0;
const IDEMPOTENT = 1;
const WRITE = 2;
const BLOCKING = 3;
const SESSION = 4;
/** The engine's names of the classes, in the order of their numbers here. */
const CLASSES = ['read', 'idempotent', 'write', 'blocking', 'session'];
/** Answers remembered at most; a program uses a few dozen names. */
const MOST_ANSWERS = 1000;

/** The class by name and options. @type {Map<string, number>} */
const classes = new Map();

/** Words that may change what a command does; the engine says how. Everything else behind a name is data. */
const OPTIONS = new Set(['NX', 'XX', 'GET', 'IFEQ', 'IFNE', 'INCR', 'GT', 'LT', 'CH', 'BLOCK', 'STORE', 'STOREDIST']);
/** Names whose second word says what they do. */
const FAMILIES = new Set([
  'ACL',
  'CLIENT',
  'CLUSTER',
  'COMMAND',
  'CONFIG',
  'FUNCTION',
  'LATENCY',
  'MEMORY',
  'MODULE',
  'OBJECT',
  'SCRIPT',
  'SLOWLOG',
  'XGROUP',
  'XINFO',
]);

/**
 * What a command may do: READ, IDEMPOTENT, WRITE, BLOCKING or SESSION.
 *
 * @param {readonly unknown[]} words
 * @returns {number}
 */
function classOf(words) {
  const name = words[0];
  if (typeof name === 'string') {
    // The short way of nearly every call: a known name, with nothing behind key and value.
    const known = words.length <= 3 ? classes.get(name) : undefined;
    if (known !== undefined) return known;
  }
  const key = keyOf(words);
  return classes.get(key) ?? ask(words, key);
}

/** What the class of a command may depend on. @param {readonly unknown[]} words */
function keyOf(words) {
  const name = String(words[0]);
  if (FAMILIES.has(name.toUpperCase())) return `${name} ${words[1]}`;
  let key = name;
  if (words.length <= 3) return key;
  for (let index = 1; index < words.length; index++) {
    const word = words[index];
    if (typeof word !== 'string' || word.length > 9) continue;
    const option = word.toUpperCase();
    // Where an option stands matters to the engine: a key may be called as one.
    if (OPTIONS.has(option)) key += ` ${option}@${Math.min(index, 3)}`;
  }
  return key;
}

/** @param {readonly unknown[]} words @param {string} key */
function ask(words, key) {
  const plain = words.map((word) => (word instanceof Uint8Array ? word : String(word)));
  const number = CLASSES.indexOf(native.classifyCommand(plain));
  if (classes.size < MOST_ANSWERS) classes.set(key, number);
  return number;
}

/** What follows a failure. @typedef {{ mayRetry: boolean, sign?: string, needsCredentials: boolean }} Verdict */

/** @type {Map<string, Verdict>} */
const verdicts = new Map();

/**
 * Judges an attempt that failed.
 *
 * @param {number} kind the command's class
 * @param {'not-sent' | 'rejected' | 'unknown'} outcome
 * @param {string} [reply] the server's error reply
 * @returns {Verdict}
 */
function judgeAttempt(kind, outcome, reply) {
  // All that counts of most replies is the first word; some say more behind it.
  const word = reply === undefined ? '' : reply.slice(0, reply.indexOf(' ') >>> 0);
  const key = `${kind} ${outcome} ${word}`;
  const known = verdicts.get(key);
  if (known) return known;
  const verdict = native.judgeAttempt(CLASSES[kind], outcome, reply);
  if (word !== 'ERR' && word !== 'REDIRECT' && verdicts.size < MOST_ANSWERS) verdicts.set(key, verdict);
  return verdict;
}

/**
 * Whether a command whose fate is unknown may run again: the engine's word, narrowed or widened by the user's.
 *
 * @param {number} kind
 * @param {'never' | 'readonly' | 'idempotent' | 'always'} inFlight
 */
function mayRepeat(kind, inFlight) {
  if (inFlight === 'always') return kind !== SESSION;
  if (inFlight === 'never' || (inFlight === 'readonly' && kind !== READ)) return false;
  return judgeAttempt(kind, 'unknown').mayRetry;
}

/** How long to wait before a server is connected to again, after that many failures, from 1: 25 ms doubling to 500 ms, by chance below that. @param {number} attempt */
function backoff(attempt) {
  return Math.random() * Math.min(500, 25 * 2 ** Math.min(attempt, 10));
}

module.exports = { READ, IDEMPOTENT, WRITE, BLOCKING, SESSION, classOf, judgeAttempt, mayRepeat, backoff };
