// What a test suite may rely on when it has a group of its own.
'use strict';

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { TestGroup, fromEnv, globalSetup, useGroup } = require('sentinelle/testing');
const { until } = require('./writer.js');

describe('a group for a file', () => {
  const context = useGroup({ replicas: 2 });

  test('is complete before the first test', async () => {
    const { group } = context;
    const master = await group.master();

    assert.equal(await master.role(), 'master');
    assert.equal((await group.replicas()).length, 2);
    assert.equal(group.sentinels.length, 3);
    await master.command('SET', 'left', 'behind');
    assert.match(group.url, /^redis\+sentinel:\/\//);
  });

  test('has no data of the test before', async () => {
    const master = await context.group.master();

    assert.equal(await master.command('GET', 'left'), null);
  });

  for (const how of ['command', 'kill', 'pause', 'partition']) {
    test(`fails over by ${how}`, async () => {
      const { group } = context;
      const old = await group.master();

      const { from, to } = await group.failover(how);

      assert.deepEqual(from, { host: old.host, port: old.port });
      assert.equal((await group.master()).port, to.port);
      await until(
        () => group.events().some(({ channel, payload }) => channel === '+switch-master' && payload.endsWith(` ${to.host} ${to.port}`)),
        'it is told',
      );
    });
  }

  test('delays and heals', async () => {
    const { group } = context;
    const master = await group.master();
    await master.delay(100);
    const begun = performance.now();

    await master.command('PING');

    assert.ok(performance.now() - begun >= 95);
    await group.heal();
    assert.match((await group.view()).text, /server-0/);
  });

  test('names what it cannot do', async () => {
    await assert.rejects(context.group.fault('earthquake'), { code: 'ERR_CONFIG', message: /earthquake/ });
    await assert.rejects(context.group.failover('wish'), { code: 'ERR_ARGUMENT' });
    await assert.rejects(TestGroup.start({ replicaz: 1 }), { code: 'ERR_CONFIG', message: /replicaz/ });
  });
});

test('one group for all files is told through the environment', async () => {
  assert.throws(() => fromEnv(), { code: 'ERR_STATE' });
  const teardown = await globalSetup({ replicas: 0, sentinels: 1, quorum: 1 })();

  assert.equal(fromEnv().sentinels.length, 1);
  assert.equal(fromEnv().name, 'mymaster');
  await teardown();
  assert.throws(() => fromEnv(), { code: 'ERR_STATE' });
});
