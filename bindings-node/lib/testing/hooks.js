// Decides how a group lives with a test runner: started before the tests of a file, reset between them, stopped behind them.
'use strict';

const { SentinelleError } = require('../errors.js');
const { parseAddress } = require('../options.js');

/** Where the addresses of a group for all files are told. */
const ENV = 'SENTINELLE_GROUP';

/**
 * The hooks of the runner that is loaded.
 *
 * @returns {Record<'before' | 'after' | 'beforeEach' | 'afterEach', (work: () => Promise<void>) => void>}
 */
function hooksOfRunner() {
  /** @type {any} */
  const world = globalThis;
  const hasGlobals = typeof world.beforeAll === 'function' && typeof world.afterAll === 'function';
  if (hasGlobals) return { before: world.beforeAll, after: world.afterAll, beforeEach: world.beforeEach, afterEach: world.afterEach };
  // vitest without `globals: true` gives its hooks to importers alone: the module fetched them when it was imported.
  if (process.env.VITEST) {
    if (offered) return offered;
    throw new SentinelleError(
      'ERR_UNSUPPORTED',
      'vitest runs without globals: import sentinelle/testing as a module, or pass its hooks, useGroup({ hooks: { beforeAll, afterAll, beforeEach, afterEach } })',
    );
  }
  if (typeof world.before === 'function' && typeof world.after === 'function') {
    return { before: world.before, after: world.after, beforeEach: world.beforeEach, afterEach: world.afterEach };
  }
  const { before, after, beforeEach, afterEach } = require('node:test');
  return { before, after, beforeEach, afterEach };
}

/** The hooks of a runner that keeps them to its importers. @type {any} */
let offered;

/** Takes the hooks of a runner that keeps them to its importers. @param {any} runner */
function offerHooks({ beforeAll, afterAll, beforeEach, afterEach }) {
  offered = { before: beforeAll, after: afterAll, beforeEach, afterEach };
}

/**
 * A group for the tests of this file: `per: 'file'` resets it between tests, `per: 'test'` starts a new one for each.
 *
 * @param {any} [options]
 */
function useGroup({ per = 'file', hooks, ...options } = {}) {
  const { TestGroup } = require('./index.js');
  const given = hooks && {
    before: hooks.before ?? hooks.beforeAll,
    after: hooks.after ?? hooks.afterAll,
    beforeEach: hooks.beforeEach,
    afterEach: hooks.afterEach,
  };
  const runner = given ?? hooksOfRunner();
  /** @type {import('./index.js').TestGroup | undefined} */
  let group;
  let isUsed = false;
  const start = async () => {
    group = await TestGroup.start(options);
  };
  const stop = async () => {
    await group?.stop();
    group = undefined;
  };
  if (per === 'test') {
    runner.beforeEach(start);
    runner.afterEach(stop);
  } else {
    runner.before(start);
    runner.beforeEach(async () => {
      if (isUsed) await group?.reset();
      isUsed = true;
    });
    runner.after(stop);
  }
  return {
    get group() {
      if (!group) throw new SentinelleError('ERR_STATE', 'the group is there inside tests and hooks alone');
      return group;
    },
  };
}

/** For `globalSetup` of vitest and jest: one group for all files, told through the environment. @param {any} [options] */
function globalSetup(options) {
  return async () => {
    const { TestGroup } = require('./index.js');
    const group = await TestGroup.start(options);
    process.env[ENV] = JSON.stringify({ sentinels: group.sentinelAddresses.map(({ host, port }) => `${host}:${port}`), name: group.name });
    return async () => {
      delete process.env[ENV];
      await group.stop();
    };
  };
}

/** The group that `globalSetup` started. */
function fromEnv() {
  const text = process.env[ENV];
  if (!text) throw new SentinelleError('ERR_STATE', `no group was started: ${ENV} is not set`);
  const { sentinels, name } = JSON.parse(text);
  return { sentinels: sentinels.map(parseAddress), name };
}

module.exports = { useGroup, globalSetup, fromEnv, offerHooks };
