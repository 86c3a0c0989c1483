// Tells what happens to the master, until it has moved once: node watch.mjs [url]
import { Discovery } from 'sentinelle';

const url = process.argv[2] ?? 'redis+sentinel://127.0.0.1:26379/mymaster';
const discovery = new Discovery(url);

discovery.on('hold-start', () => console.log('a replica is promoted: writes wait'));
discovery.on('hold-end', () => console.log('writes go on'));
discovery.on('warning', (warning) => console.log(`warning: ${warning.message}`));

const { host, port } = await discovery.master({ timeout: 5000 });
console.log(`master ${host}:${port}`);

discovery.ref(); // a discovery alone keeps no process alive
discovery.on('master', async (next, previous) => {
  if (!previous || previous.port === next.port) return;
  console.log(`moved to ${next.host}:${next.port}`);
  await discovery.close();
});
