// Decides what keeps a process alive: only what was asked to, and only until it is closed.
'use strict';

/** The longest time a timer of Node can have. */
const LONGEST = 2 ** 31 - 1;

/** Something that holds the event loop while it is on. */
class KeepAlive {
  constructor() {
    /** @type {NodeJS.Timeout | null} */
    this.timer = null;
  }

  on() {
    this.timer ??= setInterval(() => {}, LONGEST);
  }

  off() {
    if (this.timer) clearInterval(this.timer);
    this.timer = null;
  }
}

/**
 * What `work` gives, unless the time or the signal ends first.
 *
 * @template T
 * @param {Promise<T>} work
 * @param {string} what
 * @param {{ timeout?: number, signal?: AbortSignal }} limits
 * @returns {Promise<T>}
 */
function within(work, what, { timeout, signal }) {
  if (timeout === undefined && signal === undefined) return work;
  const { SentinelleError, abortError } = require('./errors.js');
  return new Promise((resolve, reject) => {
    if (signal?.aborted) reject(abortError(signal));
    const aborted = () => reject(abortError(/** @type {AbortSignal} */ (signal)));
    signal?.addEventListener('abort', aborted, { once: true });
    const late = () => reject(new SentinelleError('ERR_TIMEOUT', `${what}: not done within ${timeout} ms`, { retryable: true }));
    const timer = timeout === undefined ? undefined : setTimeout(late, timeout);
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
    };
    work.then(resolve, reject).finally(done);
  });
}

module.exports = { KeepAlive, within };
