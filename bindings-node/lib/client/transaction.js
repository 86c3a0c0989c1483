// Decides what commands gathered under one `exec` are: a pipeline, each for itself, or a transaction, all or none.
'use strict';

const { PipelineError, ReplyError } = require('../errors.js');
const { addCommands } = require('./commands.js');

/** Commands that are sent together; every method gives the same object back. */
class Pipeline {
  /** @param {(commands: readonly any[][], limits: any) => Promise<any[] | null>} run gives the replies, errors among them */
  constructor(run) {
    this.run = run;
    /** @type {any[][]} */
    this.commands = [];
    /** @type {(((reply: any) => any) | undefined)[]} */
    this.transforms = [];
  }

  /** @param {readonly any[]} words */
  call(words) {
    return this.add([...words]);
  }

  /** @param {any[]} words @param {(reply: any) => any} [transform] */
  add(words, transform) {
    this.commands.push(words);
    this.transforms.push(transform);
    return this;
  }

  /** How many commands were gathered. */
  get length() {
    return this.commands.length;
  }

  /** Sends them; the replies in order. Rejects with `PipelineError` when one failed. @param {{ timeout?: number, signal?: AbortSignal }} [limits] */
  async exec(limits) {
    const { commands, transforms } = this;
    this.commands = [];
    this.transforms = [];
    if (commands.length === 0) return [];
    const replies = await this.run(commands, limits);
    // A watched key was changed: nothing was run.
    if (replies === null) return null;
    const values = replies.map((reply, index) => {
      const transform = transforms[index];
      if (reply instanceof ReplyError) reply.command ??= String(commands[index][0]);
      return reply instanceof Error || !transform ? reply : transform(reply);
    });
    if (values.some((value) => value instanceof Error)) throw new PipelineError(values);
    return values;
  }
}

addCommands(Pipeline, function (words, transform) {
  return this.add(words, transform);
});

module.exports = { Pipeline };
