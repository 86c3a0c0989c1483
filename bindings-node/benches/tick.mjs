// A hundred GETs of one tick over a link of 2 ms, each client in turn: node benches/tick.mjs [rounds]
import IORedis from 'ioredis';
import { createSentinel as stockSentinel } from 'redis';
import { Client } from 'sentinelle/client';
import { createSentinel } from 'sentinelle/node-redis';
import { serve } from './server.mjs';

const rounds = Number(process.argv[2] ?? 10);
const server = await serve({ latency: 2 });
const ours = await new Client(server.url).connect();
const adapter = await createSentinel(server.nodeRedis).connect();
const stock = stockSentinel(server.nodeRedis);
stock.on('error', () => {});
await stock.connect();
const ioredis = new IORedis(server.ioredis);
await ioredis.ping();

/** @type {Record<string, any>} */
const clients = { 'sentinelle Client': ours, 'sentinelle createSentinel': adapter, ioredis, 'node-redis createSentinel': stock };
for (const [name, client] of Object.entries(clients)) {
  const times = [];
  for (let round = 0; round < rounds; round++) {
    const begun = performance.now();
    await Promise.all(Array.from({ length: 100 }, (_, index) => client.get(`k${index}`)));
    times.push(performance.now() - begun);
  }
  times.sort((a, b) => a - b);
  console.log(`${name.padEnd(28)} median ${times[times.length >> 1].toFixed(1)} ms, max ${times.at(-1).toFixed(1)} ms`);
}

await Promise.all([ours.close(), adapter.destroy(), stock.destroy()]);
ioredis.disconnect();
await server.stop();
