// Each flaw of ioredis with sentinels: the stock client shows it, ours does not. And BullMQ through a failover.
'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { after, before, beforeEach, describe, test } = require('node:test');
const { Queue, QueueEvents, Worker } = require('bullmq');
const IORedis = require('ioredis');
const { Discovery } = require('sentinelle');
const { Redis, redisOptions } = require('sentinelle/ioredis');
const { TestGroup } = require('sentinelle/testing');
const { until, Writer } = require('./writer.js');

describe('ioredis', () => {
  let group;
  before(async () => {
    group = await TestGroup.start();
  });
  after(() => group.stop());
  beforeEach(() => group.reset());

  /** A client with its errors collected, ended with the test. */
  function open(t, Type, options = {}) {
    const redis = new Type({ ...group.ioredis(), ...options });
    redis.errors = [];
    redis.on('error', (error) => redis.errors.push(error));
    t.after(() => redis.disconnect());
    return redis;
  }
  const ready = (redis) => until(() => redis.status === 'ready', 'the client is ready');

  test('its own options and commands work as they are', async (t) => {
    const redis = open(t, Redis, { keyPrefix: 'app:', db: 1 });

    await redis.set('a', 1);
    const results = await redis.multi().incr('a').get('a').exec();

    assert.deepEqual(results, [
      [null, 2],
      [null, '2'],
    ]);
    assert.deepEqual((await redis.discovery.master()).port, (await group.master()).port);
    const copy = redis.duplicate();
    assert.equal(await copy.get('a'), '2');
    copy.disconnect();
    const plain = new Redis({ host: (await group.master()).host, port: (await group.master()).port });
    assert.equal(await plain.ping(), 'PONG');
    plain.disconnect();
  });

  test('reads from a replica with role slave', async (t) => {
    const redis = open(t, Redis, { role: 'slave' });

    assert.equal((await redis.role())[0], 'slave');
  });

  test('stock says that all sentinels are unreachable while all are healthy; ours does not', { timeout: 60_000 }, async (t) => {
    const reconnect = async (Type) => {
      const redis = open(t, Type);
      for (let round = 0; round < 8; round++) {
        await ready(redis);
        const left = once(redis, 'close');
        redis.disconnect(true);
        await left;
      }
      await ready(redis);
      return redis.errors.filter(({ message }) => message.includes('unreachable')).length;
    };

    assert.ok((await reconnect(IORedis)) > 0);
    assert.equal(await reconnect(Redis), 0);
  });

  test('stock ends for good when it is told to reconnect while it asks; ours goes on', async (t) => {
    const interrupted = async (Type) => {
      const redis = open(t, Type);
      await ready(redis);
      const asks = once(redis, 'connecting');
      redis.disconnect(true);
      await asks;
      redis.disconnect(true);
      await until(() => redis.status === 'end' || redis.status === 'ready', 'it has decided');
      return redis.status;
    };

    assert.equal(await interrupted(IORedis), 'end');
    assert.equal(await interrupted(Redis), 'ready');
  });

  test('stock hangs at a frozen sentinel; ours does not', async (t) => {
    await group.sentinels[0].pause();
    const stock = open(t, IORedis);
    const ours = open(t, Redis);
    const begun = performance.now();

    await ready(ours);

    t.diagnostic(`ready after ${Math.round(performance.now() - begun)} ms`);
    assert.notEqual(stock.status, 'ready');
  });

  test('stock stays with a master that was demoted behind its back; ours moves', async (t) => {
    const stock = open(t, IORedis);
    const ours = open(t, Redis);
    await Promise.all([ready(stock), ready(ours)]);

    await group.failover('command');

    const master = await group.master();
    await until(() => ours.stream?.remotePort === master.port, 'ours has moved');
    assert.equal(await ours.set('a', 1), 'OK');
    const before = stock.stream?.remotePort;
    assert.ok(before === undefined || before !== master.port);
  });

  test('writes go on when the master is killed, and no error is thrown at anybody', async (t) => {
    const redis = open(t, Redis);
    await ready(redis);
    const writer = new Writer('k', (key, value) => redis.set(key, value));

    await group.failover('kill');
    const switched = performance.now();
    await until(() => writer.firstAfter(switched), 'a write is acknowledged');
    await writer.stop();

    t.diagnostic(`first write after the switch: ${(writer.firstAfter(switched) - switched).toFixed(1)} ms`);
    assert.equal(writer.failed, 0);
  });

  test('a master that hangs is left as soon as there is another', async (t) => {
    const redis = open(t, Redis);
    await ready(redis);

    await group.failover('pause');

    assert.equal(await redis.set('a', 1), 'OK');
  });

  test('without any sentinel it says so, keeps trying, and ends when it is told to', async (t) => {
    const redis = new Redis({ sentinels: [{ host: '127.0.0.1', port: 1 }], name: 'mymaster', maxRetriesPerRequest: 0 });
    t.after(() => redis.disconnect());
    redis.on('error', () => {});

    await assert.rejects(redis.get('a'));
    assert.notEqual(redis.status, 'end');
    redis.disconnect();
    await until(() => redis.status === 'end', 'it ends');
  });

  test('BullMQ runs its jobs through a failover', { timeout: 60_000 }, async (t) => {
    const discovery = new Discovery(group.discovery());
    const connection = redisOptions({ discovery }, { maxRetriesPerRequest: null });
    const queue = new Queue('jobs', { connection });
    const events = new QueueEvents('jobs', { connection });
    const done = [];
    const worker = new Worker('jobs', async (job) => void done.push(job.data.number), { connection, concurrency: 5 });
    for (const one of [queue, events, worker]) one.on('error', () => {});
    t.after(async () => {
      await Promise.all([worker.close(true), queue.close(), events.close()]);
      await discovery.close();
    });
    const first = await queue.add('job', { number: 0 });
    // Not `waitUntilFinished`: it misses the end of a job that comes before the events' first read.
    await until(() => first.getState().then((state) => state === 'completed'), 'the job before the failover', 30_000);
    await group.wait('synced');

    await group.failover('kill');
    const second = await queue.add('job', { number: 1 });

    await until(() => done.includes(1), 'the job after the failover is done', 30_000);
    await until(() => second.getState().then((state) => state === 'completed'), 'it is completed', 20_000);
    assert.ok(done.includes(0));
  });
});
