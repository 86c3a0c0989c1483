// A killed master, down-after 1000: how long after the sentinels' switch each client writes again: node benches/killed.mjs [rounds]
import IORedis from 'ioredis';
import { createSentinel as stockSentinel } from 'redis';
import { Client } from 'sentinelle/client';
import { Redis } from 'sentinelle/ioredis';
import { createSentinel } from 'sentinelle/node-redis';
import { TestGroup } from 'sentinelle/testing';

const rounds = Number(process.argv[2] ?? 3);
/** @type {Record<string, number[]>} */
const results = {};
for (let round = 0; round < rounds; round++) {
  const group = await TestGroup.start({ downAfter: 1000, patience: 30_000 });
  const clients = {
    Client: new Client(group.url),
    'adapter ioredis': new Redis(group.ioredis()),
    'adapter node-redis': createSentinel(group.nodeRedis()),
    'stock ioredis': new IORedis({ ...group.ioredis(), failoverDetector: true }),
    'stock node-redis': stockSentinel(group.nodeRedis()),
  };
  /** @type {Record<string, number[]>} */
  const times = {};
  let isOver = false;
  const loops = Object.entries(clients).map(async ([name, client]) => {
    client.on('error', () => {});
    if (name.includes('node-redis')) await client.connect();
    times[name] = [];
    while (!isOver) {
      try {
        await client.set(name, '1');
        times[name].push(Date.now());
      } catch {
        // It goes on.
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  });
  await new Promise((resolve) => setTimeout(resolve, 500));
  await group.failover('kill');
  await group.waitEvent('+switch-master');
  const told = group.events().filter(({ channel }) => channel === '+switch-master');
  const switched = Math.min(...told.map(({ at }) => at.getTime()));
  await new Promise((resolve) => setTimeout(resolve, 8000));
  isOver = true;
  await Promise.race([Promise.all(loops), new Promise((resolve) => setTimeout(resolve, 3000))]);
  for (const [name, written] of Object.entries(times))
    (results[name] ??= []).push((written.find((time) => time >= switched) ?? Number.POSITIVE_INFINITY) - switched);
  await clients.Client.close();
  clients['adapter ioredis'].disconnect();
  clients['stock ioredis'].disconnect();
  await Promise.allSettled([clients['adapter node-redis'].destroy(), clients['stock node-redis'].destroy()]);
  await group.stop();
}
for (const [name, values] of Object.entries(results)) console.log(`${name.padEnd(20)} first write after the switch: ${values.join(' ')} ms`);
process.exit(0);
