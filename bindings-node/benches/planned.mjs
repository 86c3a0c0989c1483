// Planned failovers led by real redis-sentinel: acknowledged writes that each client loses: node benches/planned.mjs [rounds] [with stock: 0 or 1]
import { createRequire } from 'node:module';
import IORedis from 'ioredis';
import { createSentinel as stockSentinel } from 'redis';
import { Client } from 'sentinelle/client';
import { Redis } from 'sentinelle/ioredis';
import { createSentinel } from 'sentinelle/node-redis';
import { TestGroup } from 'sentinelle/testing';

const { until, watched, Writer } = createRequire(import.meta.url)('../test/writer.js');
const rounds = Number(process.argv[2] ?? 20);
const withStock = process.argv[3] !== '0';

/** One failover of a group of its own; gives what each client lost, of how many, and its longest pause. */
async function round() {
  const group = await TestGroup.start({ backend: 'stock', downAfter: 1000, failoverTimeout: 20_000, patience: 60_000 });
  const clients = {
    Client: new Client(group.url),
    'adapter ioredis': new Redis(group.ioredis()),
    'adapter node-redis': createSentinel(group.nodeRedis()),
    ...(withStock && { 'stock ioredis': new IORedis(group.ioredis()), 'stock node-redis': stockSentinel(group.nodeRedis()) }),
  };
  for (const [name, client] of Object.entries(clients)) {
    client.on('error', () => {});
    if (name.includes('node-redis')) await client.connect();
  }
  const writers = Object.entries(clients).map(([name, client]) => new Writer(name, (key, value) => client.set(key, value)));
  await until(() => writers.every(({ acknowledged }) => acknowledged.length > 100), 'everybody writes');
  await watched(group);
  const old = await group.master();
  await group.failover('command');
  // The sentinel ends all connections to it in that moment, also the one that asks.
  await until(async () => (await old.role().catch(() => 'unknown')) === 'slave', 'the old master is told', 60_000);
  await Promise.all(writers.map((writer) => writer.stop()));
  const reader = await new Client(group.url).connect();
  const told = {};
  for (const writer of writers) {
    const lost = await writer.losses((key) => reader.get(key));
    const pause = Math.max(...writer.times.slice(1).map((time, index) => time - writer.times[index]));
    told[writer.prefix] = { lost: lost.length, of: writer.acknowledged.length, pause: Math.round(pause) };
    // How long before the longest pause the lost ones were acknowledged: the notice that was too short.
    if (lost.length > 0 && lost.length < 20) console.log(`  ${writer.prefix} lost ${lost.map((number) => writer.around(number)).join('; ')}`);
  }
  await reader.close();
  await clients.Client.close();
  for (const [name, client] of Object.entries(clients)) if (name.endsWith(' ioredis')) client.disconnect();
  await Promise.allSettled(Object.entries(clients).map(([name, client]) => name.endsWith('node-redis') && client.destroy()));
  await group.stop();
  return told;
}

const results = {};
for (let number = 1; number <= rounds; number++) {
  const told = await round();
  for (const [name, { lost, of, pause }] of Object.entries(told)) (results[name] ??= []).push({ lost, of, pause });
  console.log(
    `${number}: ${Object.entries(told)
      .map(([name, { lost }]) => `${name} ${lost}`)
      .join(', ')}`,
  );
}
for (const [name, all] of Object.entries(results)) {
  const sum = (key) => all.reduce((total, one) => total + one[key], 0);
  const pauses = all.map(({ pause }) => pause).sort((a, b) => a - b);
  console.log(
    `${name.padEnd(20)} lost ${sum('lost')} of ${sum('of')} in ${rounds} failovers; longest pause: median ${pauses[pauses.length >> 1]} ms, most ${pauses.at(-1)} ms`,
  );
}
process.exit(0);
