// Tests a service against a real group that fails over: node --test in_your_tests.test.mjs
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from 'sentinelle/client';
import { useGroup } from 'sentinelle/testing';

/** The service under test: counts visits. */
class Visits {
  constructor(url) {
    this.client = new Client(url);
  }

  async count() {
    return this.client.incr('visits');
  }

  close() {
    return this.client.close();
  }
}

const context = useGroup({ replicas: 2 });

test('a visit is counted', async () => {
  const visits = new Visits(context.group.url);

  assert.equal(await visits.count(), 1);
  await visits.close();
});

for (const how of ['command', 'kill', 'pause']) {
  test(`visits are counted after a failover by ${how}`, async () => {
    const visits = new Visits(context.group.url);
    await visits.count();
    await context.group.wait('synced');

    await context.group.failover(how);

    assert.equal(await visits.count(), 2);
    await visits.close();
  });
}
