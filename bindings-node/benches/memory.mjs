// A client's memory over many failovers of a simulated group, which is another process: node benches/memory.mjs [failovers]
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Client } from 'sentinelle/client';
import { TestGroup } from 'sentinelle/testing';

/** The client's side: writes when it is told to, and says what it uses. */
async function follow(url) {
  const client = await new Client(url).connect();
  let told = 0;
  client.on('failover', () => (told += 1));
  process.on('message', async (number) => {
    await client.set('key', String(number));
    globalThis.gc();
    const { rss, heapUsed } = process.memoryUsage();
    process.send({ told, rss, heapUsed });
  });
  process.send('ready');
}

/** The group's side: fails over, and lets the client write after each. */
async function drive(failovers) {
  const group = await TestGroup.start({ backend: 'sim' });
  const child = fork(fileURLToPath(import.meta.url), ['client', group.url], { execArgv: ['--expose-gc'] });
  await once(child, 'message');
  const mib = (bytes) => (bytes / 2 ** 20).toFixed(1);
  for (let number = 1; number <= failovers; number++) {
    await group.failover('command');
    const answered = once(child, 'message');
    child.send(number);
    const [{ told, rss, heapUsed }] = await answered;
    await group.settled();
    if (number === 50 || number % 100 === 0) console.log(`${number} failovers (${told} seen): rss ${mib(rss)} MiB, heap ${mib(heapUsed)} MiB`);
  }
  child.kill();
  await group.stop();
}

if (process.argv[2] === 'client') await follow(process.argv[3]);
else await drive(Number(process.argv[2] ?? 1000));
