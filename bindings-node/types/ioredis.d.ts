// The types of `sentinelle/ioredis`: ioredis over our discovery (peer dependency ioredis >= 5).
import { Redis as IORedis, type AbstractConnector, type RedisOptions } from 'ioredis';
import type { Discovery, DiscoveryOptions } from './index.js';

export interface AdapterOptions {
  /** One that is shared, or the options of one for this client alone. */
  discovery: Discovery | DiscoveryOptions;
  role?: 'master' | 'slave';
  preferredSlaves?: RedisOptions['preferredSlaves'];
}
/** The value of ioredis' own option `Connector`. */
export function connector(options: AdapterOptions): new (options: unknown) => AbstractConnector;
/** Everything a client of ioredis needs to follow the master, for `new IORedis(...)`, BullMQ and the like. */
export function redisOptions(options: AdapterOptions, overrides?: RedisOptions): RedisOptions;
/** Same constructor, same options (`sentinels`, `name`, `natMap`, `sentinelPassword`, ...): change the import alone. */
export class Redis extends IORedis {
  /** What it follows, with `sentinels`. */
  readonly discovery: Discovery;
}
export default Redis;
