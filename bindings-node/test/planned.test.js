// A planned failover led by real redis-sentinel: what each client does with writes that were acknowledged.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const IORedis = require('ioredis');
const { createSentinel: stockSentinel } = require('redis');
const { Client } = require('sentinelle/client');
const { Redis } = require('sentinelle/ioredis');
const { createSentinel } = require('sentinelle/node-redis');
const { TestGroup } = require('sentinelle/testing');
const { until, watched, Writer } = require('./writer.js');

test('our clients lose no acknowledged write, the stock ones do', { timeout: 120_000 }, async (t) => {
  const group = await TestGroup.start({ backend: 'stock', downAfter: 1000, failoverTimeout: 20_000, patience: 40_000 });
  t.after(() => group.stop());
  const client = new Client(group.url);
  const ours = new Redis(group.ioredis());
  const node = createSentinel(group.nodeRedis());
  const stock = new IORedis(group.ioredis());
  const stockNode = stockSentinel(group.nodeRedis());
  for (const one of [ours, stock, node, stockNode]) one.on('error', () => {});
  await Promise.all([
    client.connect(),
    node.connect(),
    stockNode.connect(),
    until(() => ours.status === 'ready' && stock.status === 'ready', 'ioredis is ready'),
  ]);
  t.after(() => Promise.all([client.close(), node.destroy(), stockNode.destroy(), ours.disconnect(), stock.disconnect()]));
  const writers = Object.entries({ client, ioredis: ours, 'node-redis': node, 'stock-ioredis': stock, 'stock-node-redis': stockNode }).map(
    ([name, one]) => new Writer(name, (key, value) => one.set(key, value)),
  );
  await until(() => writers.every(({ acknowledged }) => acknowledged.length > 20), 'everybody writes');
  await watched(group);
  const old = await group.master();

  await group.failover('command');
  // Until then the old master takes the writes of whoever did not notice.
  // The sentinel ends all connections to it in that moment, also the one that asks.
  await until(async () => (await old.role().catch(() => 'unknown')) === 'slave', 'the old master is told', 60_000);
  await Promise.all(writers.map((writer) => writer.stop()));

  const reader = new Client(group.url);
  t.after(() => reader.close());
  const lost = {};
  for (const writer of writers) lost[writer.prefix] = (await writer.losses((key) => reader.get(key))).length;
  t.diagnostic(`acknowledged writes lost: ${JSON.stringify(lost)}`);
  for (const name of ['client', 'ioredis', 'node-redis']) assert.equal(lost[name], 0, name);
  for (const name of ['stock-ioredis', 'stock-node-redis']) assert.ok(lost[name] > 10, `${name}: ${lost[name]}`);
});
