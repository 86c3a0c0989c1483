// Writes and reads through whatever server is the master: node pool.mjs [url]
import { Client } from 'sentinelle/client';

const url = process.argv[2] ?? 'redis+sentinel://127.0.0.1:26379/mymaster';
const client = new Client(url);
client.on('failover', ({ from, to, outage }) => console.log(`moved from ${from.port} to ${to.port} within ${Math.round(outage)} ms`));

await client.set('colour', 'green');
console.log(await client.get('colour'));

// The commands of a tick go out in one write; a transaction runs all or not at all.
console.log(await client.multi().incr('visits').expire('visits', 60).exec());

// WATCH needs a connection to itself.
const lease = await client.lease();
await lease.watch('colour');
console.log(await lease.multi().set('colour', 'blue').exec());
lease.release();

await client.close();
