// Asks the sentinels who the master is: node discover.mjs [url]
import { Discovery } from 'sentinelle';

const url = process.argv[2] ?? 'redis+sentinel://127.0.0.1:26379/mymaster';
const discovery = new Discovery(url);

const { master, replicas, sentinels } = await discovery.resolve({ timeout: 2000 });
console.log(`master ${master.host}:${master.port}`);
for (const { host, port } of replicas) console.log(`replica ${host}:${port}`);
for (const { host, port, said } of sentinels) console.log(`sentinel ${host}:${port} ${said}`);

await discovery.close();
