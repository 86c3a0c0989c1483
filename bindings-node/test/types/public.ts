// What the public types promise, as programs that must compile; lines marked as errors must not.
import IORedis from 'ioredis';
import { createClient } from 'redis';
import { Discovery, Sentinel, type SentinelleError, type SwitchMaster, type Topology } from '../../types/index.js';
import { Client, type Gap, type Message } from '../../types/client.js';
import { connector, Redis, redisOptions } from '../../types/ioredis.js';
import { createSentinel, follow } from '../../types/node-redis.js';
import { TestGroup, useGroup } from '../../types/testing.js';

/** Compiles when both are the same type. */
function same<A, B>(_: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : never): void {}

export async function embed(): Promise<void> {
  await using sentinel = await Sentinel.start({ monitor: [{ name: 'cart', host: '10.0.0.1', port: 6379, quorum: 2 }] });
  sentinel.on('switch-master', (event) => same<typeof event, SwitchMaster>(true));
  sentinel.on('warning', (warning) => same<typeof warning, SentinelleError>(true));
  for await (const { channel } of sentinel.messages()) same<typeof channel, string>(true);
  // @ts-expect-error a master needs a quorum
  await sentinel.monitor({ name: 'cart', host: '10.0.0.1', port: 6379 });
  // @ts-expect-error the constructor is private
  new Sentinel();
}

export async function discover(): Promise<void> {
  await using discovery = new Discovery({ sentinels: ['10.0.0.1', { host: '10.0.0.2' }], name: 'cart' });
  discovery.on('topology', (topology, previous) => {
    same<typeof topology, Topology>(true);
    same<typeof previous, Topology | null>(true);
  });
  const { host, port } = await discovery.master({ timeout: 100, signal: AbortSignal.timeout(1) });
  same<typeof host, string>(true);
  same<typeof port, number>(true);
  // @ts-expect-error no such option
  new Discovery({ sentinels: [], name: 'cart', holdMaximum: 1 });
}

export async function client(): Promise<void> {
  const text = new Client('redis+sentinel://10.0.0.1/cart');
  same<Awaited<ReturnType<typeof text.get>>, string | null>(true);
  const bytes = new Client({ sentinels: ['10.0.0.1'], name: 'cart', decode: 'buffer' });
  same<Awaited<ReturnType<typeof bytes.get>>, Buffer | null>(true);
  const replies = await text.multi().set('a', 1).incr('a').hgetall('h').exec();
  same<typeof replies, [string | null, number, Record<string, string>]>(true);
  await using lease = await text.lease();
  const watched = await lease.multi().get('a').exec();
  same<typeof watched, [string | null] | null>(true);
  for await (const message of await text.subscribe('news')) same<typeof message, Message<string> | Gap>(true);
  // @ts-expect-error a policy that is none
  await text.call(['GET', 'a'], { readFrom: 'anybody' });
  text.on('failover', ({ outage }) => same<typeof outage, number>(true));
}

export async function adapters(): Promise<void> {
  const discovery = new Discovery({ sentinels: ['10.0.0.1'], name: 'cart' });
  const redis: IORedis = new Redis({ sentinels: [{ host: '10.0.0.1', port: 26379 }], name: 'cart' });
  new IORedis(redisOptions({ discovery }, { maxRetriesPerRequest: null }));
  new IORedis({ Connector: connector({ discovery }) });
  await redis.set('a', 1);
  const sentinel = createSentinel({ name: 'cart', sentinelRootNodes: [{ host: '10.0.0.1', port: 26379 }], discovery });
  same<Awaited<ReturnType<typeof sentinel.get>>, string | null>(true);
  await using followed = await follow(discovery, (node) => createClient({ socket: { host: node.host, port: node.port } }));
  same<string | null, Awaited<ReturnType<typeof read>>>(true);
  function read() {
    return followed.use((current) => current.get('a'), { isRead: true });
  }
}

export async function testing(): Promise<void> {
  await using group = await TestGroup.start({ replicas: 1, backend: 'mixed:1' });
  await group.failover('kill');
  new IORedis(group.ioredis());
  // @ts-expect-error no such way
  await group.failover('wish');
  const context = useGroup({ per: 'test' });
  same<typeof context.group, TestGroup>(true);
}
