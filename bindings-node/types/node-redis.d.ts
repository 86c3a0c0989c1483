// The types of `sentinelle/node-redis`: node-redis over our discovery (peer dependency redis >= 5).
import type { createClient, RedisFunctions, RedisModules, RedisScripts, RedisSentinelOptions, RedisSentinelType } from 'redis';
import type { Discovery, DiscoveryOptions, Limits, NodeState } from './index.js';

/** Same options and calls as node-redis' createSentinel; `warning` events in the place of crashes. */
export function createSentinel<M extends RedisModules = {}, F extends RedisFunctions = {}, S extends RedisScripts = {}>(
  options: RedisSentinelOptions<M, F, S> & { discovery?: Discovery },
): RedisSentinelType<M, F, S> & { readonly discovery: Discovery };
type Client = ReturnType<typeof createClient>;
export interface FailoverClient<C = Client> extends AsyncDisposable {
  /** The current client; null while there is none. */
  readonly client: C | null;
  readonly node: NodeState;
  readonly discovery: Discovery;
  /** Runs `work` with the current client, and again after a failover, if that is safe: always for reads, else when it was certainly not run. */
  use<T>(work: (client: C) => Promise<T>, options?: Limits & { retry?: boolean; isRead?: boolean }): Promise<T>;
  close(): Promise<void>;
}
/** Keeps one plain client of yours pointed at the master; `create` is called with each new address. */
export function follow<C extends { destroy(): void }>(
  discovery: Discovery | DiscoveryOptions,
  create: (node: NodeState) => C | Promise<C>,
  limits?: Limits,
): Promise<FailoverClient<C>>;
/** For groups with one port everywhere: `createClient(socketOptions(discovery, 6379))`. */
export function socketOptions(
  discovery: Discovery,
  port: number,
): { socket: { host: string; port: number; lookup: Discovery['lookup']; reconnectStrategy: (retries: number) => number }; maintNotifications: 'disabled' };
