// A file of tests for mocha: the group is there, and each test finds it without the data of the one before.
'use strict';

const assert = require('node:assert/strict');
const { useGroup } = require('sentinelle/testing');

describe('with mocha', function () {
  this.timeout(120_000);
  const context = useGroup({ replicas: 1 });

  it('writes', async () => {
    const master = await context.group.master();

    assert.equal(await master.command('SET', 'key', 'value'), 'OK');
  });

  it('finds nothing of the test before', async () => {
    const master = await context.group.master();

    assert.equal(await master.command('GET', 'key'), null);
  });
});
