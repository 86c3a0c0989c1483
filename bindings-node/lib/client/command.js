// Decides what a call is while it is under way: its bytes, its promise, and what may be done with it when an attempt fails.
'use strict';

const { ReplyError, SentinelleError } = require('../errors.js');
const { encode } = require('../resp/encode.js');

/** Who looks after a command that got an error. @typedef {{ onReplyError(command: Command, error: ReplyError): void, onSettled(command: Command): void }} Keeper */

/** One command, from the call to its reply. */
class Command {
  /** @param {readonly unknown[]} words @param {number} kind @param {Keeper} keeper @param {number} deadline */
  constructor(words, kind, keeper, deadline) {
    this.name = String(words[0]);
    this.payload = encode(words);
    this.kind = kind;
    this.keeper = keeper;
    this.deadline = deadline;
    this.attempts = 0;
    /** Not before this moment may it be sent again. */
    this.notBefore = 0;
    this.isDone = false;
    /** Whether it counts among those under way. */
    this.isCounted = false;
    /** @type {import('../errors.js').SentinelleError | ReplyError | null} what the last attempt ended with */
    this.lastError = null;
    /** @type {any} */
    this.readFrom = undefined;
    /** @type {((value: any) => any) | null} */
    this.transform = null;
    /** @type {(() => void) | null} */
    this.release = null;
    /** @type {(value: any) => void} */
    this.resolve = ignore;
    /** @type {(reason: unknown) => void} */
    this.reject = ignore;
  }

  /** Gets the reply; it was the last one. @param {any} reply */
  take(reply) {
    if (this.isDone) return true;
    if (reply instanceof ReplyError) {
      reply.command = this.name;
      this.keeper.onReplyError(this, reply);
      return true;
    }
    this.succeed(reply);
    return true;
  }

  /** @param {any} reply */
  succeed(reply) {
    this.isDone = true;
    this.release?.();
    this.keeper.onSettled(this);
    this.resolve(this.transform === null ? reply : this.transform(reply));
  }

  /** @param {Error} error */
  fail(error) {
    if (this.isDone) return;
    this.isDone = true;
    this.release?.();
    this.keeper.onSettled(this);
    this.reject(error);
  }

  /** How many bytes it weighs, about. */
  get weight() {
    const { payload } = this;
    if (typeof payload === 'string') return payload.length;
    let sum = 0;
    for (const part of payload) sum += part.length;
    return sum;
  }
}

/** Several commands between MULTI and EXEC: one unit, run wholly or not at all. */
class TransactionCommand extends Command {
  /** @param {readonly (readonly unknown[])[]} commands @param {number} kind @param {Keeper} keeper @param {number} deadline */
  constructor(commands, kind, keeper, deadline) {
    super(['MULTI'], kind, keeper, deadline);
    this.payload = merge([['MULTI'], ...commands, ['EXEC']].map((words) => encode(words)));
    this.expected = commands.length + 2;
    this.seen = 0;
    /** @type {ReplyError | null} the first command that was not queued */
    this.refused = null;
  }

  /** @param {any} reply */
  take(reply) {
    this.seen += 1;
    if (reply instanceof ReplyError && this.seen < this.expected) this.refused ??= reply;
    if (this.seen < this.expected) return false;
    this.seen = 0;
    const error = reply instanceof ReplyError ? (this.refused ?? reply) : null;
    this.refused = null;
    return super.take(error ?? reply);
  }
}

/** @param {(string | (string | Uint8Array)[])[]} payloads @returns {string | (string | Uint8Array)[]} */
function merge(payloads) {
  if (payloads.every((payload) => typeof payload === 'string')) return payloads.join('');
  return payloads.flat();
}

/** Why a command ran out of time. @param {Command} command @param {string} outcome */
function timeoutError(command, outcome) {
  const { lastError } = command;
  const why = lastError ? `; the last attempt: ${lastError.message}` : '';
  return new SentinelleError('ERR_TIMEOUT', `${command.name} was not answered in time${why}`, { outcome, cause: lastError ?? undefined, retryable: true });
}

function ignore() {}

module.exports = { Command, TransactionCommand, timeoutError };
