// What a program may rely on when it runs a sentinel inside itself.
'use strict';

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const { once } = require('node:events');
const { join } = require('node:path');
const { test } = require('node:test');
const { promisify } = require('node:util');
const { Worker } = require('node:worker_threads');
const { Sentinel, SentinelleError } = require('sentinelle');
const { TestGroup } = require('sentinelle/testing');
const { until } = require('./writer.js');

const run = promisify(execFile);
const program = (name) => join(__dirname, 'programs', name);
const cart = { name: 'cart', host: '127.0.0.1', port: 6399, quorum: 1 };

test('a sentinel tells who it is, where it listens and what it monitors', async (t) => {
  const sentinel = await Sentinel.start({ monitor: [{ ...cart, downAfter: 1234 }] });
  t.after(() => sentinel.close());

  assert.match(sentinel.id, /^[0-9a-f]{40}$/);
  assert.equal(sentinel.address.host, '127.0.0.1');
  assert.ok(sentinel.address.port > 0);
  assert.equal(sentinel.master('cart')?.quorum, 1);
  const [fields] = await sentinel.command('SENTINEL', 'MASTERS');
  assert.ok(JSON.stringify(fields).includes('1234'));
});

test('masters come, change and go', async (t) => {
  const sentinel = await Sentinel.start();
  t.after(() => sentinel.close());

  const master = await sentinel.monitor(cart);
  await sentinel.set('cart', { quorum: 2, downAfter: 4321 });

  assert.equal(master?.port, 6399);
  assert.equal(sentinel.master('cart')?.quorum, 2);
  assert.ok(JSON.stringify(await sentinel.command('SENTINEL', 'MASTER', 'cart')).includes('4321'));
  assert.equal((await sentinel.checkQuorum('cart')).ok, false);
  await sentinel.remove('cart');
  assert.deepEqual(sentinel.masters(), []);
});

test('an error says what cannot be used', async () => {
  await assert.rejects(Sentinel.start({ monitor: [{ ...cart, downAfter: -1 }] }), { code: 'ERR_CONFIG', message: /down_after_ms.*-1/ });
  await assert.rejects(Sentinel.start({ spelling: 1 }), (error) => error instanceof SentinelleError && /spelling/.test(error.message));
  await assert.rejects(Sentinel.start('/nowhere/sentinel.conf'), { code: 'ERR_FILE' });
  await assert.rejects(Sentinel.start({ signal: AbortSignal.abort() }), { code: 'ERR_ABORTED' });
});

test('an error reply rejects with its code', async (t) => {
  const sentinel = await Sentinel.start();
  t.after(() => sentinel.close());

  await assert.rejects(sentinel.command('SENTINEL', 'MASTER', 'nobody'), { name: 'ReplyError', code: 'ERR' });
  await assert.rejects(sentinel.remove('nobody'), { code: 'ERR_SERVER' });
});

test('a signal ends any order', async (t) => {
  const sentinel = await Sentinel.start({ monitor: [cart] });
  t.after(() => sentinel.close());
  const over = { signal: AbortSignal.abort() };

  for (const order of [
    () => sentinel.monitor({ ...cart, name: 'other' }, over),
    () => sentinel.set('cart', { quorum: 2 }, over),
    () => sentinel.checkQuorum('cart', over),
    () => sentinel.failover('cart', over),
    () => sentinel.reset('*', over),
    () => sentinel.remove('cart', over),
    () => sentinel.toConfig(over),
  ]) {
    await assert.rejects(order, { code: 'ERR_ABORTED' }, String(order));
  }
  assert.deepEqual(
    sentinel.masters().map(({ name, quorum }) => [name, quorum]),
    [['cart', 1]],
  );
});

test('messages are read with for await until the signal ends them', async (t) => {
  const sentinel = await Sentinel.start();
  t.after(() => sentinel.close());
  const stop = new AbortController();
  const heard = [];
  const reading = (async () => {
    for await (const message of sentinel.messages({ channels: ['+monitor', '+set'], signal: stop.signal })) {
      heard.push(message);
      if (message.channel === '+set') stop.abort();
    }
  })();

  await sentinel.monitor(cart);
  await sentinel.set('cart', { quorum: 3 });
  await reading;

  assert.equal(heard[0].channel, '+monitor');
  assert.deepEqual(heard[0].master, { name: 'cart', host: '127.0.0.1', port: 6399 });
});

test('a failover resolves with the switch, which is told as a typed event', async (t) => {
  const group = await TestGroup.start({ sentinels: 0, replicas: 1 });
  t.after(() => group.stop());
  const [master, replica] = group.nodes;
  const sentinel = await Sentinel.start({ monitor: [{ name: 'm', host: master.host, port: master.port, quorum: 1, downAfter: 500 }] });
  t.after(() => sentinel.close());
  const told = once(sentinel, 'switch-master');
  await until(async () => {
    await sentinel.refresh();
    return sentinel.master('m')?.replicas.some(({ masterLink }) => masterLink === 'ok');
  }, 'the replica is known');

  const switched = await sentinel.failover('m', { timeout: 60_000 });

  assert.deepEqual(switched.to, { host: replica.host, port: replica.port });
  assert.deepEqual((await told)[0].from, { host: master.host, port: master.port });
});

test('its state is kept wherever the program puts it', async () => {
  let kept = null;
  const persist = { load: () => kept, save: (text) => void (kept = text) };
  const first = await Sentinel.start({ persist, monitor: [cart] });
  await first.close();

  const second = await Sentinel.start({ persist });

  assert.equal(second.id, first.id);
  assert.equal(second.master('cart')?.port, 6399);
  assert.match(await second.toConfig(), /sentinel monitor cart/);
  await second.close();
});

test('what is kept is told, and what cannot be kept is a warning that breaks nothing', async () => {
  let isFull = true;
  const kept = [];
  const save = async (text) => {
    if (isFull) throw new Error('the disk is full');
    kept.push(text);
  };
  const sentinel = await Sentinel.start({ persist: { load: () => null, save } });
  const warned = once(sentinel, 'warning');
  await sentinel.monitor(cart);
  const [warning] = await warned;
  const told = once(sentinel, 'config-saved');
  isFull = false;

  await sentinel.set('cart', { quorum: 2 });

  assert.deepEqual([warning.code, warning.cause.message], ['ERR_FILE', 'the disk is full']);
  assert.equal((await told)[0], kept[0]);
  await sentinel[Symbol.asyncDispose]();
  assert.match(kept.at(-1), /sentinel monitor cart/);
});

test('closing twice is closing once, and closed resolves', async () => {
  const sentinel = await Sentinel.start();
  let closes = 0;
  sentinel.on('close', () => (closes += 1));

  await Promise.all([sentinel.close(), sentinel.close()]);
  await sentinel.closed;

  assert.equal(closes, 1);
  assert.equal(sentinel.listening, false);
  await assert.rejects(sentinel.command('PING'), { code: 'ERR_CLOSED' });
});

test('a signal ends it', async () => {
  const stop = new AbortController();
  const sentinel = await Sentinel.start({ signal: stop.signal });

  stop.abort();
  await sentinel.closed;

  assert.equal(sentinel.listening, false);
});

test('a worker thread runs one, and may be ended with it running', async () => {
  for (const end of ['natural', 'terminate']) {
    const worker = new Worker(program('worker.js'), { workerData: end });
    const [port] = await once(worker, 'message');
    assert.ok(port > 0);
    if (end === 'terminate') await worker.terminate();
    else {
      const [code] = await once(worker, 'exit');
      assert.equal(code, 0);
    }
  }
});

test('a process that did not ask for it is not kept alive, and ends cleanly a hundred times of a hundred', async () => {
  const once = async () => {
    const { stdout } = await run(process.execPath, [program('unref.js')], { timeout: 60_000 });
    assert.equal(stdout, 'started\n');
  };

  for (let round = 0; round < 25; round++) await Promise.all([once(), once(), once(), once()]);
});

test('a process that asked for it is kept alive until it is closed', async () => {
  const { stdout } = await run(process.execPath, [program('ref.js')], { timeout: 60_000 });

  assert.equal(stdout, 'started\nclosed\n');
});

test('nobody listens to a warning, and nothing breaks', async (t) => {
  const sentinel = await Sentinel.start();
  t.after(() => sentinel.close());

  assert.equal(sentinel.emit('warning', new SentinelleError('ERR_STATE', 'nothing')), false);
});
