// A program that sleeps while a promotion is announced: what it writes when it wakes, before it can have heard of it.
'use strict';

const assert = require('node:assert/strict');
const { after, before, beforeEach, describe, test } = require('node:test');
const { createClient } = require('redis');
const { Client } = require('sentinelle/client');
const { Redis } = require('sentinelle/ioredis');
const { follow } = require('sentinelle/node-redis');
const { TestGroup } = require('sentinelle/testing');
const { until, watched } = require('./writer.js');

describe('a program that was asleep', () => {
  let group;
  before(async () => {
    group = await TestGroup.start();
  });
  after(() => group.stop());
  beforeEach(() => group.reset());

  /** Orders a failover and blocks this thread until writes may go to that generation no more. */
  function sleepThrough(discovery, generation) {
    const ordered = group.fault('failover');
    const bed = new Int32Array(new SharedArrayBuffer(4));
    const deadline = performance.now() + 60_000;
    while (discovery.mayWrite(generation)) {
      if (performance.now() > deadline) throw new Error('no failover was announced');
      Atomics.wait(bed, 0, 0, 5);
    }
    return ordered;
  }

  test('the client keeps its writes, also those of leases, and goes on reading', async (t) => {
    const client = new Client({ url: group.url, commandTimeout: 60_000 });
    t.after(() => client.close());
    await client.connect();
    const lease = await client.lease();
    await watched(group);
    const { generation, link } = client;
    const { connection } = link;

    const ordered = sleepThrough(client.discovery, generation);
    const written = client.set('late', '1');
    const transaction = client.multi().set('later', '2').exec();
    const leased = lease.call(['SET', 'leased', '3']).catch((error) => error);

    assert.equal(client.generation, generation, 'nothing was heard yet');
    assert.equal(connection.unwritten + lease.connection.unwritten, 0, 'nothing is on its way');
    assert.deepEqual([link.waiting.length, lease.held.length], [2, 1]);
    await ordered;
    assert.equal(await written, 'OK');
    assert.deepEqual(await transaction, ['OK']);
    assert.equal((await leased).outcome, 'not-sent', String(await leased));
    assert.deepEqual(await client.mget('late', 'later', 'leased'), ['1', '2', null]);
  });

  test('ioredis keeps what it writes', async (t) => {
    const redis = new Redis(group.ioredis());
    redis.on('error', () => {});
    t.after(() => redis.disconnect());
    await until(() => redis.status === 'ready', 'it is ready');
    await watched(group);
    const { stream } = redis;
    const { bytesWritten } = stream;

    const ordered = sleepThrough(redis.discovery, redis.discovery.topology.generation);
    const written = redis.set('late', '1');

    assert.ok(stream.writableCorked > 0);
    assert.equal(stream.bytesWritten - stream.writableLength, bytesWritten, 'nothing has left');
    await ordered;
    assert.equal(await written, 'OK');
    assert.equal(await redis.get('late'), '1');
  });

  test('node-redis keeps what it writes', async (t) => {
    const followed = await follow(group.discovery(), ({ host, port }) => createClient({ socket: { host, port, reconnectStrategy: false } }));
    t.after(() => followed.close());
    await watched(group);
    const { discovery, node: old } = followed;
    const ports = [];

    const ordered = sleepThrough(discovery, discovery.topology.generation);
    const written = followed.use(
      (client) => {
        ports.push(followed.node.port);
        return client.set('late', '1');
      },
      { timeout: 60_000 },
    );

    await ordered;
    assert.equal(await written, 'OK');
    assert.equal(await followed.use((client) => client.get('late')), '1');
    assert.ok(!ports.includes(old.port), `${ports}`);
  });
});
