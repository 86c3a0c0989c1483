// The errors users catch: one class for what the library says, one for what a Redis server replied.
'use strict';

/** Anything that went wrong outside the server's replies. `code` is stable; `outcome` says whether a command may have run. */
class SentinelleError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {{ outcome?: string, address?: string, attempts?: readonly string[], retryable?: boolean, cause?: unknown }} [facts]
   */
  constructor(code, message, facts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = 'SentinelleError';
    this.code = code;
    this.outcome = facts.outcome;
    this.address = facts.address;
    this.attempts = facts.attempts ?? [];
    this.retryable = facts.retryable ?? false;
  }
}

/** An error reply of a Redis server; `code` is its first word (`READONLY`, `WRONGTYPE`, ...). */
class ReplyError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = 'ReplyError';
    const space = message.indexOf(' ');
    this.code = space < 0 ? message : message.slice(0, space);
    /** @type {string | undefined} */
    this.command = undefined;
    /** @type {string | undefined} */
    this.outcome = undefined;
  }
}

/** A pipeline of which a command failed; `replies` holds every reply, errors included, in order. */
class PipelineError extends SentinelleError {
  /** @param {readonly unknown[]} replies */
  constructor(replies) {
    const failed = replies.filter((reply) => reply instanceof Error);
    const first = /** @type {Error} */ (failed[0]);
    super('ERR_PIPELINE', `${failed.length} of ${replies.length} commands failed, the first with: ${first.message}`, {
      cause: first,
    });
    this.name = 'PipelineError';
    this.replies = replies;
  }
}

/** Why a signal ended a call. @param {AbortSignal} signal @param {string} [outcome] */
function abortError(signal, outcome) {
  return new SentinelleError('ERR_ABORTED', 'the call was aborted by its signal', { cause: signal.reason, outcome });
}

module.exports = { SentinelleError, ReplyError, PipelineError, abortError };
