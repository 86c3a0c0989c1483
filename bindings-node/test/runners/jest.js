// A file of tests for jest: the group is there, and each test finds it without the data of the one before.
'use strict';

const { useGroup } = require('sentinelle/testing');

jest.setTimeout(120_000);

describe('with jest', () => {
  const context = useGroup({ replicas: 1 });

  test('writes', async () => {
    const master = await context.group.master();

    expect(await master.command('SET', 'key', 'value')).toBe('OK');
  });

  test('finds nothing of the test before', async () => {
    const master = await context.group.master();

    expect(await master.command('GET', 'key')).toBeNull();
  });
});
