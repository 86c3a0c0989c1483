// A file of tests for vitest, which has no globals: the group is there, and each test finds it without the data of the one before.
import { useGroup } from 'sentinelle/testing';
import { describe, expect, test } from 'vitest';

describe('with vitest', () => {
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
