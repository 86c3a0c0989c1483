// GETs of 32 bytes over one connection, each client in turn, round after round: node benches/get.mjs [rounds]
import IORedis from 'ioredis';
import { createClient } from 'redis';
import { Client } from 'sentinelle/client';
import { serve } from './server.mjs';

const rounds = Number(process.argv[2] ?? 3);
const server = await serve();
const { host, port } = server;

const ours = new Client(server.url);
const plain = new IORedis({ host, port });
const pipelining = new IORedis({ host, port, enableAutoPipelining: true });
const node = await createClient({ socket: { host, port } }).connect();
await ours.set('key', 'x'.repeat(32));

/** @type {Record<string, { get(key: string): Promise<unknown> }>} */
const clients = { sentinelle: ours, ioredis: plain, 'ioredis auto-pipelining': pipelining, 'node-redis': node };

/** GETs a second with so many under way. */
async function measure(client, inFlight, total) {
  let left = total;
  const begun = performance.now();
  const loop = async () => {
    while (left-- > 0) await client.get('key');
  };
  await Promise.all(Array.from({ length: inFlight }, loop));
  return Math.round((total / (performance.now() - begun)) * 1000);
}

for (const [inFlight, total] of [
  [1, 10_000],
  [100, 100_000],
]) {
  const rates = Object.fromEntries(Object.keys(clients).map((name) => [name, []]));
  for (const client of Object.values(clients)) await measure(client, inFlight, total / 5);
  for (let round = 0; round < rounds; round++) {
    for (const [name, client] of Object.entries(clients)) rates[name].push(await measure(client, inFlight, total));
  }
  for (const [name, measured] of Object.entries(rates)) {
    const median = measured.sort((a, b) => a - b)[measured.length >> 1];
    console.log(`${inFlight} in flight  ${name.padEnd(24)} ${String(median).padStart(8)} op/s  (${measured.join(' ')})`);
  }
}

await ours.close();
plain.disconnect();
pipelining.disconnect();
node.destroy();
await server.stop();
