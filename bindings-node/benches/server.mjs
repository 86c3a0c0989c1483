// What the benches share: a server that nothing stands before, watched by a sentinel of ours; with `latency`, behind a link that slow.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { Worker } from 'node:worker_threads';
import { Sentinel } from 'sentinelle';

/** A port nobody uses at this moment. */
async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

const LINK = `
const net = require('node:net');
const { parentPort, workerData: { port, latency } } = require('node:worker_threads');
const pass = (from, to) => from.on('data', (chunk) => setTimeout(() => to.write(chunk), latency / 2)).on('close', () => to.destroy()).on('error', () => to.destroy());
const server = net.createServer((near) => {
  const far = net.connect(port, '127.0.0.1');
  for (const socket of [near, far]) socket.setNoDelay(true);
  pass(near, far);
  pass(far, near);
}).listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;

/** @param {{ latency?: number }} [options] the round trip, in milliseconds */
export async function serve({ latency = 0 } = {}) {
  const own = await freePort();
  const server = spawn('redis-server', ['--port', String(own), '--bind', '127.0.0.1', '--save', '', '--logfile', '/dev/null'], { stdio: 'ignore' });
  for (;;) {
    const socket = net.connect(own, '127.0.0.1');
    const isUp = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isUp) break;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const link = latency ? new Worker(LINK, { eval: true, workerData: { port: own, latency } }) : null;
  const [port] = link ? await once(link, 'message') : [own];
  const sentinel = await Sentinel.start({ monitor: [{ name: 'mymaster', host: '127.0.0.1', port, quorum: 1 }] });
  const sentinels = [sentinel.address];
  return {
    host: '127.0.0.1',
    port,
    url: `redis+sentinel://127.0.0.1:${sentinels[0].port}/mymaster`,
    ioredis: { sentinels, name: 'mymaster' },
    nodeRedis: { sentinelRootNodes: sentinels, name: 'mymaster' },
    async stop() {
      await sentinel.close({ force: true });
      await link?.terminate();
      server.kill();
    },
  };
}
