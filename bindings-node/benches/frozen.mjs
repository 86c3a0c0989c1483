// The sentinel that is named first is frozen: how long each client takes to be ready: node benches/frozen.mjs [rounds]
import { once } from 'node:events';
import IORedis from 'ioredis';
import { createSentinel as stockSentinel } from 'redis';
import { Discovery } from 'sentinelle';
import { Client } from 'sentinelle/client';
import { Redis } from 'sentinelle/ioredis';
import { createSentinel } from 'sentinelle/node-redis';
import { TestGroup } from 'sentinelle/testing';

const rounds = Number(process.argv[2] ?? 10);
/** How long the stock clients are given. */
const LIMIT = 10_000;
const group = await TestGroup.start();
await group.sentinels[0].pause();

/** Options that nobody else has, so that no discovery that is there already is shared. */
let opened = 0;
const own = () => ({ ...group.discovery(), pollInterval: 5000 + opened++ });

/** Each opens a client, waits until it is ready and gives what closes it. */
const openers = {
  Discovery: async () => {
    const discovery = new Discovery(own());
    await discovery.master();
    return () => discovery.close();
  },
  Client: async () => {
    const client = await new Client(own()).connect();
    return () => client.close();
  },
  'adapter ioredis': () => ioredis(Redis),
  'adapter node-redis': () => nodeRedis(createSentinel),
  'stock ioredis': () => ioredis(IORedis),
  'stock node-redis': () => nodeRedis(stockSentinel),
};

async function ioredis(Type) {
  const redis = new Type(group.ioredis());
  redis.on('error', () => {});
  const isReady = await within(once(redis, 'ready'));
  return isReady ? () => redis.disconnect() : redis.disconnect();
}

async function nodeRedis(create) {
  const sentinel = create(group.nodeRedis());
  sentinel.on('error', () => {});
  const isReady = await within(sentinel.connect());
  const end = () => void sentinel.destroy().catch(() => {});
  return isReady ? end : end();
}

/** Whether it is done in time. */
function within(work) {
  return Promise.race([
    work.then(
      () => true,
      () => false,
    ),
    new Promise((resolve) => setTimeout(resolve, LIMIT, false).unref()),
  ]);
}

for (const [name, open] of Object.entries(openers)) {
  const times = [];
  for (let round = 0; round < (name.startsWith('stock') ? 1 : rounds); round++) {
    const begun = performance.now();
    const close = await open();
    times.push(close ? performance.now() - begun : Number.POSITIVE_INFINITY);
    await close?.();
  }
  times.sort((a, b) => a - b);
  const text = (ms) => (Number.isFinite(ms) ? `${ms.toFixed(0)} ms` : `not within ${LIMIT / 1000} s`);
  console.log(`${name.padEnd(20)} ready: median ${text(times[times.length >> 1])}, most ${text(times.at(-1))}`);
}
await group.stop();
process.exit(0);
