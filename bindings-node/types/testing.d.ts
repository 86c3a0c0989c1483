// The types of `sentinelle/testing`: a real HA group inside a test run.
import type { Address, Limits, Millis, SentinelMessage } from './index.js';

export interface GroupOptions extends Limits {
  /** Default `'mymaster'`. */
  name?: string;
  /** Default 2. */
  replicas?: number;
  /** Default 3. */
  sentinels?: number;
  /** Default 2. */
  quorum?: number;
  /** Default 200. */
  downAfter?: Millis;
  /** Default 5000. */
  failoverTimeout?: Millis;
  /** `'fast'` (default): a failover in a fraction of a second; `'stock'`: the timing of redis-sentinel. */
  profile?: 'fast' | 'stock';
  /** Who the sentinels are: `'real'` (inside this process), `'stock'` (redis-sentinel), `'mixed:1'` (so many of them). */
  backend?: 'real' | 'stock' | 'sim' | `mixed:${number}`;
  /** Whether a server that is killed has its data when it comes back. */
  persistence?: 'memory' | 'disk';
  /** The password of the data servers. */
  password?: string;
  /** How long each wait may take; default 15000. */
  patience?: Millis;
  /** Further options of the data servers, such as `'maxmemory 10mb'`. */
  serverOption?: readonly string[];
  /** Further options of the master in the sentinels' files. */
  sentinelOption?: readonly string[];
  /** Keeps the event loop alive; default true. */
  ref?: boolean;
}
export interface TestNode extends Address {
  /** `server-0`, `sentinel-1`. */
  readonly member: string;
  kill(): Promise<void>;
  restart(): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  isolate(): Promise<void>;
  /** Delays its answers to clients. */
  delay(ms: Millis): Promise<void>;
  resetConnections(): Promise<void>;
  command(...words: (string | number | Uint8Array)[]): Promise<unknown>;
  role(): Promise<'master' | 'slave' | 'sentinel'>;
  logs(): Promise<string>;
}
export interface GroupEvent extends SentinelMessage {
  at: Date;
  /** The sentinel that told it. */
  from: string;
}
export class TestGroup implements AsyncDisposable {
  /** Resolves when every write arrives on every replica and the sentinels know everybody. */
  static start(options?: GroupOptions): Promise<TestGroup>;
  private constructor();
  readonly name: string;
  /** `redis+sentinel://...` */
  readonly url: string;
  readonly nodes: readonly TestNode[];
  readonly sentinels: readonly TestNode[];
  readonly sentinelAddresses: Address[];
  master(): Promise<TestNode>;
  replicas(): Promise<TestNode[]>;
  /** The member of that name. */
  node(member: string): TestNode;
  ioredis(): { sentinels: Address[]; name: string; password?: string };
  nodeRedis(): { sentinelRootNodes: Address[]; name: string; nodeClientOptions?: { password: string } };
  discovery(): { sentinels: Address[]; name: string; password?: string };
  /** Moves the master; resolves when the sentinels name the new one. */
  failover(how?: 'command' | 'kill' | 'pause' | 'partition'): Promise<{ master: string; from: Address; to: Address; at: Date; took: Millis }>;
  /** Inflicts a fault by its name. */
  fault(name: string, args?: Record<string, string | number | TestNode | readonly TestNode[]>): Promise<void>;
  partition(ones: readonly TestNode[], others: readonly TestNode[]): Promise<void>;
  heal(): Promise<void>;
  wait(condition: 'ready' | 'synced' | 'agreement' | 'switched'): Promise<void>;
  waitEvent(channel: string): Promise<GroupEvent>;
  settled(): Promise<void>;
  events(): GroupEvent[];
  /** Every member's own word. */
  view(): Promise<{ servers: unknown[]; sentinels: unknown[]; text: string }>;
  flushAll(): Promise<void>;
  /** Everybody up, no data, agreement. */
  reset(): Promise<void>;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
type Hook = (work: () => Promise<void>) => void;
export interface UseGroupOptions extends GroupOptions {
  /** `'file'` (default): one group, reset between tests; `'test'`: a new one for each. */
  per?: 'file' | 'test';
  /** Default: those of the runner that is loaded (node:test, jest, mocha, vitest with globals). */
  hooks?: { beforeAll: Hook; afterAll: Hook; beforeEach: Hook; afterEach: Hook } | { before: Hook; after: Hook; beforeEach: Hook; afterEach: Hook };
}
/** A group for the tests of this file. */
export function useGroup(options?: UseGroupOptions): { readonly group: TestGroup };
/** For `globalSetup` of vitest and jest; the addresses go through the environment. */
export function globalSetup(options?: GroupOptions): () => Promise<() => Promise<void>>;
/** The group that `globalSetup` started. */
export function fromEnv(): { sentinels: Address[]; name: string };
