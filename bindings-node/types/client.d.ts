// The types of `sentinelle/client`: a client whose data path is JavaScript and whose decisions are the engine's.
import type { EventEmitter } from 'node:events';
import type { Address, Discovery, DiscoveryOptions, Limits, Millis, NodeState, SentinelleError, Topology } from './index.js';

export { PipelineError, ReplyError, SentinelleError } from './index.js';

export type Arg = string | Uint8Array | number | bigint;
export type Decoded<D> = D extends 'buffer' ? Buffer : string;
export type Reply<S = string> = S | number | bigint | boolean | null | Reply<S>[] | Map<Reply<S>, Reply<S>> | Error;
/** Who answers reads. `prefer-replica` and `lowest-latency` fall back to the master, `replica` does not. */
export type ReadFrom = 'master' | 'replica' | 'prefer-replica' | 'lowest-latency' | ((topology: Topology) => NodeState | null | undefined);
export interface RetryPolicy {
  /** How long a command may take in all; default 5000. */
  deadline: Millis;
  /** What is sent again although it may have run: nothing, reads, whatever is as good twice as once (default), or all. */
  inFlight: 'never' | 'readonly' | 'idempotent' | 'always';
}
export interface ClientOptions<D extends 'string' | 'buffer' = 'string'> extends Partial<DiscoveryOptions> {
  /** `redis+sentinel://user:password@host:26379,host:26379/master/0?key=value` */
  url?: string;
  /** Shared with others; closed by its owner. */
  discovery?: Discovery;
  db?: number;
  clientName?: string;
  /** Default 3; a server that speaks only 2 is spoken to so. */
  protocol?: 2 | 3;
  /** What strings of replies are; default `'string'`. */
  decode?: D;
  readFrom?: ReadFrom;
  retry?: Partial<RetryPolicy>;
  /** How long a command may take in all, retries included; default 5000. */
  commandTimeout?: Millis;
  /** How long a server may be silent with commands under way before its connection is cut; default 2000. */
  responseTimeout?: Millis;
  /** How long a data server may take to be connected and to greet; default 1000. */
  connectTimeout?: Millis;
  /** How many commands may be under way; default 100000. */
  maxPending?: number;
  /** How many leases there may be at once; default 16. */
  maxLeases?: number;
  pushHandler?: (push: unknown[]) => void;
}
export interface Failover {
  from: Address;
  to: Address;
  /** How long no server could be written to, as this client saw it. */
  outage: Millis;
  retried: number;
  failed: number;
  /** How many commands waited for the new master. */
  waited: number;
}
export interface ClientEventMap {
  ready: [];
  master: [Address, previous: Address | null];
  failover: [Failover];
  /** Never thrown when nobody listens. */
  warning: [SentinelleError];
  close: [];
}
export interface CallOptions extends Limits {
  readFrom?: ReadFrom;
  /** Whether the command may run twice. */
  idempotent?: boolean;
}
export interface SetOptions {
  ex?: number;
  px?: number;
  nx?: boolean;
  xx?: boolean;
  get?: boolean;
}
export interface Commands<S> {
  call<T = Reply<S>>(words: readonly Arg[], options?: CallOptions): Promise<T>;
  get(key: Arg): Promise<S | null>;
  set(key: Arg, value: Arg, options?: SetOptions): Promise<S | null>;
  del(...keys: Arg[]): Promise<number>;
  exists(...keys: Arg[]): Promise<number>;
  expire(key: Arg, seconds: number): Promise<number>;
  incr(key: Arg): Promise<number>;
  mget(...keys: Arg[]): Promise<(S | null)[]>;
  hget(key: Arg, field: Arg): Promise<S | null>;
  hset(key: Arg, fields: Record<string, Arg>): Promise<number>;
  hgetall(key: Arg): Promise<Record<string, S>>;
  lpush(key: Arg, ...values: Arg[]): Promise<number>;
  rpush(key: Arg, ...values: Arg[]): Promise<number>;
  publish(channel: string, message: Arg): Promise<number>;
  eval<T = Reply<S>>(script: string, keys: readonly Arg[], ...args: Arg[]): Promise<T>;
  wait(replicas: number, timeout: Millis): Promise<number>;
}
/** Commands that are sent together; `Nothing` is null where a watched key may undo all. */
export interface Pipeline<S, R extends unknown[] = [], Nothing = never> {
  readonly length: number;
  call<T = Reply<S>>(words: readonly Arg[]): Pipeline<S, [...R, T], Nothing>;
  get(key: Arg): Pipeline<S, [...R, S | null], Nothing>;
  set(key: Arg, value: Arg, options?: SetOptions): Pipeline<S, [...R, S | null], Nothing>;
  del(...keys: Arg[]): Pipeline<S, [...R, number], Nothing>;
  exists(...keys: Arg[]): Pipeline<S, [...R, number], Nothing>;
  expire(key: Arg, seconds: number): Pipeline<S, [...R, number], Nothing>;
  incr(key: Arg): Pipeline<S, [...R, number], Nothing>;
  mget(...keys: Arg[]): Pipeline<S, [...R, (S | null)[]], Nothing>;
  hget(key: Arg, field: Arg): Pipeline<S, [...R, S | null], Nothing>;
  hset(key: Arg, fields: Record<string, Arg>): Pipeline<S, [...R, number], Nothing>;
  hgetall(key: Arg): Pipeline<S, [...R, Record<string, S>], Nothing>;
  lpush(key: Arg, ...values: Arg[]): Pipeline<S, [...R, number], Nothing>;
  rpush(key: Arg, ...values: Arg[]): Pipeline<S, [...R, number], Nothing>;
  publish(channel: string, message: Arg): Pipeline<S, [...R, number], Nothing>;
  eval<T = Reply<S>>(script: string, keys: readonly Arg[], ...args: Arg[]): Pipeline<S, [...R, T], Nothing>;
  /** The replies in order; rejects with `PipelineError` when one is an error. */
  exec(limits?: Limits): Promise<R | Nothing>;
}
/** A connection to the master for one caller. */
export interface Lease<S> extends Commands<S>, AsyncDisposable {
  readonly node: NodeState;
  /** Aborted when the master was replaced or the connection was lost. */
  readonly lost: AbortSignal;
  watch(...keys: Arg[]): Promise<S>;
  unwatch(): Promise<S>;
  /** `exec` gives null when a watched key was changed. */
  multi(): Pipeline<S, [], null>;
  release(): void;
}
export interface Message<S = string> {
  kind: 'message';
  channel: string;
  message: S;
  pattern?: string;
}
/** Messages may be missing here: another connection, or a reader that was too slow. */
export interface Gap {
  kind: 'gap';
  /** The generations of the master before and after. */
  from: number;
  to: number;
  ms: Millis;
  /** How many messages were dropped because nobody read them. */
  dropped: number;
}
export interface Subscription<S = string> extends AsyncIterableIterator<Message<S> | Gap>, AsyncDisposable {
  readonly resubscribed: number;
  close(): void;
}
/** A client of the current master, whoever that is. */
export class Client<D extends 'string' | 'buffer' = 'string'> extends EventEmitter<ClientEventMap> implements AsyncDisposable, Commands<Decoded<D>> {
  constructor(options: ClientOptions<D> | string);
  readonly discovery: Discovery;
  connect(limits?: Limits): Promise<this>;
  call<T = Reply<Decoded<D>>>(words: readonly Arg[], options?: CallOptions): Promise<T>;
  get(key: Arg): Promise<Decoded<D> | null>;
  set(key: Arg, value: Arg, options?: SetOptions): Promise<Decoded<D> | null>;
  del(...keys: Arg[]): Promise<number>;
  exists(...keys: Arg[]): Promise<number>;
  expire(key: Arg, seconds: number): Promise<number>;
  incr(key: Arg): Promise<number>;
  mget(...keys: Arg[]): Promise<(Decoded<D> | null)[]>;
  hget(key: Arg, field: Arg): Promise<Decoded<D> | null>;
  hset(key: Arg, fields: Record<string, Arg>): Promise<number>;
  hgetall(key: Arg): Promise<Record<string, Decoded<D>>>;
  lpush(key: Arg, ...values: Arg[]): Promise<number>;
  rpush(key: Arg, ...values: Arg[]): Promise<number>;
  publish(channel: string, message: Arg): Promise<number>;
  eval<T = Reply<Decoded<D>>>(script: string, keys: readonly Arg[], ...args: Arg[]): Promise<T>;
  wait(replicas: number, timeout: Millis): Promise<number>;
  /** Commands that are sent together, each for itself. */
  pipeline(): Pipeline<Decoded<D>>;
  /** Commands that run all or not at all. */
  multi(): Pipeline<Decoded<D>>;
  /** The same client with options for every call. */
  with(options: CallOptions): Commands<Decoded<D>>;
  /** A connection to itself: WATCH, blocking commands. */
  lease(limits?: Limits): Promise<Lease<Decoded<D>>>;
  /** Resolves when the server has confirmed every channel. */
  subscribe(channels: string | string[], options?: Limits & { pattern?: boolean }): Promise<Subscription<Decoded<D>>>;
  /** Ends every connection; what is under way may finish for `drain` milliseconds. */
  close(options?: { drain?: Millis }): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
