// Runs a sentinel inside this process: node embed.mjs [master's host] [master's port]
import { Sentinel } from 'sentinelle';

const host = process.argv[2] ?? '127.0.0.1';
const port = Number(process.argv[3] ?? 6379);

const sentinel = await Sentinel.start({
  port: 0, // any free one
  monitor: [{ name: 'mymaster', host, port, quorum: 1, downAfter: 5000 }],
});
sentinel.on('switch-master', ({ master, to }) => console.log(`${master} is at ${to.host}:${to.port} from here on`));
sentinel.on('sdown', ({ payload }) => console.log(`down: ${payload}`));

console.log(`sentinel ${sentinel.id} listens on port ${sentinel.address.port}`);
console.log(await sentinel.checkQuorum('mymaster'));

await sentinel.close();
