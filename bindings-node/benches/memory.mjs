// Memory over many failovers of a simulated group: node --expose-gc benches/memory.mjs [failovers]
import { Client } from 'sentinelle/client';
import { TestGroup } from 'sentinelle/testing';

const failovers = Number(process.argv[2] ?? 1000);
const group = await TestGroup.start({ backend: 'sim' });
const client = await new Client(group.url).connect();
const used = () => {
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  return `rss ${(rss / 2 ** 20).toFixed(1)} MiB, heap ${(heapUsed / 2 ** 20).toFixed(1)} MiB`;
};

let told = 0;
client.on('failover', () => (told += 1));
for (let number = 1; number <= failovers; number++) {
  await group.failover('command');
  await client.set('key', String(number));
  await group.settled();
  if (number === 50 || number % 100 === 0) console.log(`${number} failovers (${told} seen): ${used()}`);
}
await client.close();
await group.stop();
