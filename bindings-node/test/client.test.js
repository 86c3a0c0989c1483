// What a program may rely on when it talks to the master through our client.
'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { join } = require('node:path');
const { after, afterEach, before, beforeEach, describe, test } = require('node:test');
const { Worker } = require('node:worker_threads');
const { Client } = require('sentinelle/client');
const { TestGroup } = require('sentinelle/testing');
const { classOf } = require('../lib/client/policy.js');
const { native } = require('../lib/native_proxy.js');
const { until, Writer } = require('./writer.js');

/** A failover takes longer than the five seconds of a call where the machine is busy with something else. */
const PATIENT = { timeout: 60_000 };

describe('a client', () => {
  let group;
  let client;
  before(async () => {
    group = await TestGroup.start();
  });
  after(() => group.stop());
  beforeEach(async () => {
    await group.reset();
    client = new Client({ url: group.url, commandTimeout: PATIENT.timeout });
  });
  afterEach(() => client.close());

  for (const protocol of [2, 3]) {
    test(`runs commands with their types in RESP${protocol}`, async () => {
      const own = new Client({ url: group.url, protocol });

      assert.equal(await own.set('a', 1), 'OK');
      assert.equal(await own.incr('a'), 2);
      assert.deepEqual(await own.mget('a', 'none'), ['2', null]);
      assert.equal(await own.hset('h', { f: 'v', ü: 'ß' }), 2);
      assert.deepEqual({ ...(await own.hgetall('h')) }, { f: 'v', ü: 'ß' });
      assert.equal(await own.eval('return KEYS[1] .. ARGV[1]', ['k'], 'v'), 'kv');
      assert.equal(await own.set('a', 'x', { nx: true }), null);
      assert.equal(await own.call(['APPEND', 'a', Buffer.from('!')]), 2);
      assert.deepEqual(await own.multi().set('m', 1).incr('m').hgetall('h').exec(), ['OK', 2, Object.assign(Object.create(null), { f: 'v', ü: 'ß' })]);
      await own.close();
    });
  }

  test('gives buffers where they are wanted', async () => {
    const own = new Client({ url: group.url, decode: 'buffer' });

    await own.set('b', Buffer.from([0, 255]));

    assert.deepEqual(await own.get('b'), Buffer.from([0, 255]));
    await own.close();
  });

  test('sends the commands of a tick in one write', async () => {
    await client.connect();
    const { socket } = client.link.connection;
    const writes = [];
    const { write } = socket;
    socket.write = (...args) => writes.push(args[0].length) && write.apply(socket, args);

    await Promise.all(Array.from({ length: 100 }, (_, index) => client.get(`k${index}`)));

    assert.equal(writes.length, 1);
  });

  test('tells which commands of a pipeline failed', async () => {
    const error = await client
      .pipeline()
      .set('s', 'text')
      .incr('s')
      .get('s')
      .exec()
      .catch((caught) => caught);

    assert.equal(error.code, 'ERR_PIPELINE');
    assert.equal(error.replies[1].name, 'ReplyError');
    assert.deepEqual([error.replies[0], error.replies[2]], ['OK', 'text']);
    await assert.rejects(client.multi().call(['NOSUCH']).exec(), { name: 'ReplyError' });
  });

  test('leases a connection for WATCH, and a changed key undoes all', async () => {
    const lease = await client.lease();
    await lease.watch('w');
    await client.set('w', 'changed');

    assert.equal(await lease.multi().set('w', 'mine').exec(), null);
    assert.deepEqual(await lease.multi().get('w').exec(), ['changed']);
    lease.release();
    await assert.rejects(client.call(['WATCH', 'w']), { code: 'ERR_ARGUMENT' });
  });

  test('waits in blocking commands without holding anybody up', async () => {
    const popped = client.call(['BLPOP', 'queue', 5]);

    assert.equal(await client.set('meanwhile', 1), 'OK');
    await client.rpush('queue', 'job');

    assert.deepEqual(await popped, ['queue', 'job']);
  });

  test('bounds how many leases there are', async () => {
    const own = new Client({ url: group.url, maxLeases: 1 });
    const lease = await own.lease();

    await assert.rejects(own.lease({ timeout: 50 }), { code: 'ERR_POOL_EXHAUSTED', outcome: 'not-sent' });
    const next = own.lease();
    lease.release();
    (await next).release();
    await own.close();
  });

  test('a lease ends with its master, and says so', async () => {
    const lease = await client.lease();
    const lost = once(lease.lost, 'abort');
    await lease.watch('w');

    await group.failover('kill');
    await lost;

    await assert.rejects(lease.multi().set('w', 1).exec());
    lease.release();
    assert.equal(await client.set('w', 2), 'OK');
  });

  test('a subscription survives a switch and tells the gap', async () => {
    const subscription = await client.subscribe(['news']);
    await client.publish('news', 'before');
    assert.deepEqual((await subscription.next()).value, { kind: 'message', channel: 'news', message: 'before' });

    await group.failover('kill');

    const { value } = await subscription.next();
    assert.equal(value.kind, 'gap');
    assert.ok(value.to > value.from);
    await client.publish('news', 'after');
    assert.equal((await subscription.next()).value.message, 'after');
    assert.equal(subscription.resubscribed, 1);
    subscription.close();
    assert.equal((await subscription.next()).done, true);
  });

  test('goes on by itself when the master is killed, and says what happened', async (t) => {
    await client.connect();
    const failover = once(client, 'failover');
    const writer = new Writer('k', (key, value) => client.set(key, value));

    await group.failover('kill');

    const [{ from, to, outage }] = await failover;
    t.diagnostic(`no writes for ${Math.round(outage)} ms`);
    assert.notEqual(from.port, to.port);
    assert.ok(outage > 0);
    await writer.stop();
    assert.equal(writer.failed, 0);
  });

  test('bounds how much waits', async () => {
    const own = new Client({ sentinels: ['127.0.0.1:1'], name: 'mymaster', maxPending: 10, commandTimeout: 300 });
    const codes = await Promise.all(Array.from({ length: 12 }, () => own.get('a').catch(({ code, outcome }) => `${code} ${outcome}`)));

    assert.equal(codes.filter((code) => code === 'ERR_BACKPRESSURE not-sent').length, 2);
    assert.equal(codes.filter((code) => code === 'ERR_TIMEOUT not-sent').length, 10);
    await own.close();
  });

  test('reads from replicas when it is told to, and writes to the master', async () => {
    const own = new Client({ url: group.url, readFrom: 'replica', commandTimeout: PATIENT.timeout });
    await own.set('r', 'v');
    await group.wait('synced');
    await until(() => own.discovery.topology.replicas.length === 2, 'both replicas are known');

    const replies = await Promise.all(Array.from({ length: 4 }, () => own.call(['GET', 'r'])));
    const roles = await Promise.all(Array.from({ length: 4 }, () => own.call(['ROLE'])));

    assert.deepEqual(replies, ['v', 'v', 'v', 'v']);
    assert.deepEqual([...new Set(roles.map(([role]) => role))], ['slave']);
    assert.equal((await own.with({ readFrom: 'master' }).call(['ROLE']))[0], 'master');
    await own.close();
  });

  test('a replica that goes away costs no read', async () => {
    const own = new Client({ url: group.url, readFrom: 'prefer-replica' });
    await own.set('r', 'v');
    await group.wait('synced');
    await own.get('r');
    const [replica] = await group.replicas();

    await replica.kill();

    for (let count = 0; count < 20; count++) assert.equal(await own.get('r'), 'v');
    await own.close();
  });

  test('works in worker threads, also in one that is ended with it open', async () => {
    for (const end of ['natural', 'terminate']) {
      const worker = new Worker(join(__dirname, 'programs', 'client_worker.js'), { workerData: { url: group.url, end } });
      assert.deepEqual(await once(worker, 'message'), [end]);
      if (end === 'terminate') await worker.terminate();
      else assert.deepEqual(await once(worker, 'exit'), [0]);
    }
  });

  test('takes what is no server for none', async () => {
    const errors = [];
    client.on('warning', (error) => errors.push(error));

    await assert.rejects(client.call([]));
    await assert.rejects(client.set('a', null), TypeError);
    assert.throws(() => new Client({ url: group.url, readFrom: 'anybody' }), { code: 'ERR_CONFIG' });
    assert.throws(() => new Client('redis+sentinel://'), { code: 'ERR_CONFIG' });
  });

  test('closing ends what waits', async () => {
    const lost = new Client({ sentinels: ['127.0.0.1:1'], name: 'mymaster' });
    const waiting = assert.rejects(lost.get('a'), { code: 'ERR_CLOSED' });

    await lost.close();

    await waiting;
    await assert.rejects(lost.get('a'), { code: 'ERR_CLOSED' });
  });
});

describe('with a master that stays', () => {
  let group;
  let client;
  before(async () => {
    // Nobody takes it for dead, however long the machine sleeps.
    group = await TestGroup.start({ replicas: 0, sentinels: 1, quorum: 1, downAfter: 600_000 });
  });
  after(() => group.stop());
  beforeEach(async () => {
    await group.reset();
    client = new Client(group.url);
    await client.connect();
  });
  afterEach(() => client.close());

  test('a write whose fate is unknown is not sent twice, and says so', async () => {
    const [master] = group.nodes;
    await master.pause();
    const write = client.incr('counter').catch((error) => error);
    const read = client.call(['GET', 'counter'], PATIENT);
    await until(() => client.link.connection?.unwritten === 0, 'both are written');

    await master.kill();
    const error = await write;
    await master.restart();

    assert.equal(error.outcome, 'unknown', String(error));
    assert.equal(await read, null);
  });

  test('a time limit and a signal end a call', async () => {
    await group.nodes[0].pause();
    const stop = new AbortController();

    const limited = assert.rejects(client.call(['INCR', 'a'], { timeout: 50 }), { code: 'ERR_TIMEOUT', outcome: 'unknown' });
    const aborted = assert.rejects(client.call(['INCR', 'a'], { signal: stop.signal }), { code: 'ERR_ABORTED' });
    const transaction = assert.rejects(client.multi().incr('a').exec({ timeout: 50 }), { code: 'ERR_TIMEOUT', outcome: 'unknown' });
    const together = assert.rejects(client.pipeline().incr('a').exec({ signal: stop.signal }), { code: 'ERR_PIPELINE', message: /aborted/ });
    stop.abort();

    await Promise.all([limited, aborted, transaction, together]);
    await assert.rejects(client.lease({ signal: stop.signal }), { code: 'ERR_ABORTED' });
    await assert.rejects(client.subscribe('news', { signal: stop.signal }), { code: 'ERR_ABORTED' });
  });
});

test('remembered classes are those of the engine', () => {
  const lines = [
    'GET k',
    'get k',
    'SET k v',
    'SET k v NX',
    'SET k v EX 10',
    'SET NX v',
    'SET k NX',
    'ZADD k 1 m',
    'ZADD k INCR 1 m',
    'INCR k',
    'MGET a b c d',
    'BLPOP k 0',
    'XREAD BLOCK 0 STREAMS s $',
    'XREAD COUNT 1 STREAMS s 0',
    'CLIENT LIST',
    'CLIENT REPLY OFF',
    'CONFIG GET save',
    'CONFIG SET save x',
    'MULTI',
    'EVAL x 0',
    'EVAL_RO x 0',
    'SORT k STORE d',
    'SORT k BY x',
    'NOSUCH a b c d',
  ];

  for (const line of [...lines, ...[...lines].reverse()]) {
    const words = line.split(' ');
    assert.equal(['read', 'idempotent', 'write', 'blocking', 'session'][classOf(words)], native.classifyCommand(words), line);
  }
});
