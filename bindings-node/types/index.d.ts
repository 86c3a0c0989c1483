// The types of `sentinelle`: (a) a sentinel inside the process, (b) discovery, and the errors of everything.
import type { EventEmitter } from 'node:events';
import type { LookupFunction } from 'node:net';
import type { SecureContextOptions } from 'node:tls';

/** Where something listens. */
export interface Address {
  host: string;
  port: number;
}
/** `"10.0.0.1:26379"`, `"[::1]:26379"`, `"sentinel"` (port 26379), or an object. */
export type AddressLike = string | { host?: string; port?: number };
/** A span in milliseconds. */
export type Millis = number;

/** What went wrong, for programs. */
export type SentinelleErrorCode =
  | 'ERR_ABORTED'
  | 'ERR_ARGUMENT'
  | 'ERR_AUTH'
  | 'ERR_BACKPRESSURE'
  | 'ERR_BIND'
  | 'ERR_BUG'
  | 'ERR_BUSY'
  | 'ERR_CLOSED'
  | 'ERR_CONFIG'
  | 'ERR_CONNECTION'
  | 'ERR_FILE'
  | 'ERR_FORKED'
  | 'ERR_HANDLE'
  | 'ERR_LOADING'
  | 'ERR_MOVED'
  | 'ERR_NOT_READY'
  | 'ERR_NO_AGREEMENT'
  | 'ERR_NO_MASTER'
  | 'ERR_NO_PERMISSION'
  | 'ERR_NO_REPLICA'
  | 'ERR_NO_SENTINEL'
  | 'ERR_NO_SERVER'
  | 'ERR_PIPELINE'
  | 'ERR_POOL_EXHAUSTED'
  | 'ERR_PROTOCOL'
  | 'ERR_QUORUM'
  | 'ERR_READ_ONLY'
  | 'ERR_SERVER'
  | 'ERR_STATE'
  | 'ERR_TIMEOUT'
  | 'ERR_TLS'
  | 'ERR_UNKNOWN_MASTER'
  | 'ERR_UNSUPPORTED';
/** What is known of a command that failed: no byte left, refused by the server, or sent and not answered. */
export type Outcome = 'not-sent' | 'rejected' | 'unknown';

/** Anything that went wrong outside a server's replies. */
export class SentinelleError extends Error {
  readonly code: SentinelleErrorCode;
  /** Whether a command may have run. */
  readonly outcome?: Outcome;
  /** The server it concerns, as `host:port`. */
  readonly address?: string;
  /** What each sentinel said, one line for each. */
  readonly attempts: readonly string[];
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
}
/** An error reply of a server; `code` is its first word (`READONLY`, `WRONGTYPE`, ...). */
export class ReplyError extends Error {
  readonly code: string;
  readonly command?: string;
  readonly outcome?: Outcome;
}
/** A pipeline of which a command failed. */
export class PipelineError extends SentinelleError {
  /** Every reply in order, errors among them. */
  readonly replies: readonly unknown[];
}

/** A master to be monitored. */
export interface MonitorOptions {
  name: string;
  /** A numeric address, or a name when names are resolved. */
  host: string;
  port: number;
  /** How many sentinels must call it down. */
  quorum: number;
  /** Silence that makes it down; default 30000. */
  downAfter?: Millis;
  /** Patience with a failover; default 180000. */
  failoverTimeout?: Millis;
  /** Replicas moved to a new master at once; default 1. */
  parallelSyncs?: number;
  username?: string;
  password?: string;
  notificationScript?: string;
  clientReconfigScript?: string;
  renameCommands?: Record<string, string>;
}
/** A sentinel inside this process. */
export interface SentinelOptions {
  /** The text of a sentinel.conf. */
  config?: string;
  /** The path of a sentinel.conf; rewritten as redis-sentinel does, unless `persist` is given. */
  configFile?: string;
  /** Where its votes, epochs and peers are kept: `'memory'` forgets them. */
  persist?: 'memory' | { file: string } | { load(): string | null | Promise<string | null>; save(text: string): void | Promise<void> };
  /** 0, the default, takes a free one. */
  port?: number;
  /** Default 127.0.0.1. */
  bind?: string | string[];
  announce?: { host?: string; port?: number };
  resolveHostnames?: boolean;
  announceHostnames?: boolean;
  requirepass?: string;
  monitor?: MonitorOptions[];
  /** Defaults for the masters in `monitor`. */
  downAfter?: Millis;
  failoverTimeout?: Millis;
  /** Further lines of sentinel.conf. */
  sentinelDirective?: string;
  /** Keeps the event loop alive while it runs; default true, like `net.Server`. */
  ref?: boolean;
  /** How long the start may take; default 10000. */
  timeout?: Millis;
  /** Ends it. */
  signal?: AbortSignal;
}
export interface InstanceInfo extends Address {
  /** 40 hexadecimal digits, empty until known. */
  runId: string;
  health: 'up' | 'sdown' | 'odown';
  flags: readonly string[];
  downSince?: Date;
}
export interface MasterInfo extends InstanceInfo {
  name: string;
  quorum: number;
  configEpoch: number;
  replicas: readonly (InstanceInfo & { priority: number; offset: number; masterLink: 'ok' | 'err' })[];
  sentinels: readonly (InstanceInfo & { votedLeader?: string })[];
  failover: null | { state: string; epoch: number; startedAt: Date; promoted?: Address };
}
export interface SwitchMaster {
  master: string;
  from: Address;
  to: Address;
  epoch: number | null;
  at: Date;
}
/** One message of the pub/sub channels, read. */
export interface SentinelMessage {
  /** `+sdown`, `-odown`, `+switch-master`, ... */
  channel: string;
  /** As it is published. */
  payload: string;
  instance?: { role: 'master' | 'slave' | 'sentinel'; name: string } & Address;
  master?: { name: string } & Address;
}
export interface SentinelEventMap {
  /** Everything. */
  message: [SentinelMessage];
  'switch-master': [SwitchMaster];
  sdown: [SentinelMessage];
  'sdown-cleared': [SentinelMessage];
  odown: [SentinelMessage];
  'odown-cleared': [SentinelMessage];
  tilt: [boolean];
  /** The text that `persist.save` has kept. */
  'config-saved': [string];
  /** Never fatal, never thrown when nobody listens. */
  warning: [SentinelleError];
  close: [null];
}
/** Limits of a call. */
export interface Limits {
  timeout?: Millis;
  signal?: AbortSignal;
}
/** A sentinel inside this process. */
export class Sentinel extends EventEmitter<SentinelEventMap> implements AsyncDisposable {
  /** Resolves when it listens; a string is the path of a sentinel.conf. */
  static start(options?: SentinelOptions | string): Promise<Sentinel>;
  private constructor();
  /** 40 hexadecimal digits. */
  readonly id: string;
  readonly address: Address;
  readonly addresses: readonly Address[];
  readonly listening: boolean;
  readonly closed: Promise<void>;
  /** What was known of every master at the last event, without I/O. */
  masters(): readonly MasterInfo[];
  master(name: string): MasterInfo | undefined;
  /** Looks at everything anew. */
  refresh(): Promise<readonly MasterInfo[]>;
  /** Orders wait 10000 ms for their answer, unless the limits say otherwise. */
  monitor(options: MonitorOptions, limits?: Limits): Promise<MasterInfo | undefined>;
  remove(name: string, limits?: Limits): Promise<void>;
  set(name: string, options: Partial<Omit<MonitorOptions, 'name' | 'host' | 'port'>>, limits?: Limits): Promise<void>;
  reset(pattern: string, limits?: Limits): Promise<number>;
  checkQuorum(name: string, limits?: Limits): Promise<{ ok: boolean; usable: number; message: string }>;
  /** Resolves when there is a new master; default limit 30000. */
  failover(name: string, limits?: Limits): Promise<SwitchMaster>;
  /** Any command of the wire protocol, without a socket. */
  command(...words: (string | Uint8Array | number)[]): Promise<unknown>;
  /** The messages from now on; a slow reader loses the oldest. */
  messages(options?: { channels?: readonly string[]; signal?: AbortSignal }): AsyncIterableIterator<SentinelMessage>;
  /** The text of its file, as it is now. */
  toConfig(limits?: Limits): Promise<string>;
  ref(): this;
  unref(): this;
  /** Ends it; waits for a failover it leads unless `force`. */
  close(options?: { force?: boolean; timeout?: Millis }): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Addresses as the sentinels tell them, and as they are reached from here. */
export type AddressMap = Record<string, Address> | ((address: string) => Address | null | undefined);
export interface TlsOptions extends Pick<SecureContextOptions, 'ca' | 'cert' | 'key'> {
  /** Default: the host, so that each server may have a certificate of its own. */
  servername?: string;
  rejectUnauthorized?: boolean;
}
export interface DiscoveryOptions {
  /** Never forgotten; names are looked up each time. */
  sentinels: readonly AddressLike[] | (() => readonly AddressLike[] | Promise<readonly AddressLike[]>);
  /** The name of the master. */
  name: string;
  sentinelUsername?: string;
  sentinelPassword?: string;
  sentinelTls?: boolean | TlsOptions;
  username?: string;
  password?: string;
  tls?: boolean | TlsOptions;
  addressMap?: AddressMap;
  /** Learns of further sentinels; default true. */
  learnSentinels?: boolean;
  /** Whether a server must call itself master before it is used; default `'role'`. */
  probe?: 'role' | 'none';
  /** `'any'` (default) follows the newest configuration, `'majority'` only one that most sentinels tell. */
  agreement?: 'any' | 'majority';
  /** Whether writes wait while a replica is promoted; default `'auto'`. */
  hold?: 'auto' | 'off';
  /** How long they wait at most; default 2000. */
  holdMax?: Millis;
  /** How long a sentinel may take to be connected and to answer; default 300. */
  queryTimeout?: Millis;
  /** Between two looks, besides the sentinels' events; default 10000. */
  pollInterval?: Millis;
  /** How many sentinels are watched at once; default 5. */
  watchMax?: number;
  clientName?: string;
  /** Keeps the event loop alive; default false. */
  ref?: boolean;
  /** Closes it. */
  signal?: AbortSignal;
}
export interface NodeState extends Address {
  /** As the sentinels tell it, when the address map says otherwise. */
  reported: Address;
  healthy: boolean;
  /** Bytes behind the foremost replica. */
  lag?: number;
  priority?: number;
}
/** All that is known of one master. */
export interface Topology {
  name: string;
  /** 0 before any master was found, one more with each switch. */
  generation: number;
  epoch: number;
  phase: 'resolving' | 'up' | 'suspect' | 'hold' | 'down' | 'closed';
  master: NodeState | null;
  replicas: readonly NodeState[];
  sentinels: readonly (Address & { up: boolean; standing: string; said: string; epoch?: number })[];
  /** `down-after-milliseconds`, once a sentinel has told. */
  downAfter?: Millis;
  /** Why the last search found nothing. */
  trouble?: string;
  at: Date;
}
/** Something the engine tells, with its facts. */
export interface DiscoveryEvent {
  name: string;
  at: Date;
  epoch: number | null;
  text: string;
  fields: Record<string, string>;
}
export interface DiscoveryEventMap {
  topology: [Topology, previous: Topology | null];
  /** A master that called itself one. */
  master: [NodeState, previous: NodeState | null];
  /** The current master is in doubt: an early hint. */
  'master-down': [NodeState];
  switched: [DiscoveryEvent];
  'hold-start': [DiscoveryEvent];
  'hold-end': [DiscoveryEvent];
  /** Everything. */
  event: [DiscoveryEvent];
  /** Never thrown when nobody listens. */
  warning: [SentinelleError];
  close: [];
}
/** Finds one master through its sentinels and watches it. */
export class Discovery extends EventEmitter<DiscoveryEventMap> implements AsyncDisposable {
  constructor(options: DiscoveryOptions | string);
  readonly name: string;
  /** The last picture, without I/O. */
  readonly topology: Topology | null;
  /** The master, verified by its own word; default limit 5000. */
  master(options?: Limits & { fresh?: boolean }): Promise<NodeState>;
  /** The whole picture, once the master is verified. */
  resolve(options?: Limits & { fresh?: boolean }): Promise<Topology>;
  replica(options?: Limits & { fallback?: 'master' | 'error' }): Promise<NodeState>;
  /** The names of all masters of these sentinels that fit a glob. */
  masters(glob?: string, limits?: Limits): Promise<string[]>;
  /** Tells what a user of a connection saw. Cheap; the engine coalesces. */
  report(node: Address, what: 'readonly' | 'masterdown' | 'closed' | 'timeout' | 'refused'): void;
  /** Tells what was seen of the master of a generation. */
  suspect(generation: number, sign: 'read-only' | 'not-ready' | 'disconnected' | 'timed-out' | `redirected ${string}`): void;
  /** Whether a write may leave for the master of that generation at this very moment: it is in place, and writes are not held. Cheap. */
  mayWrite(generation: number): boolean;
  /** For `net.connect` where every server has one port. */
  readonly lookup: LookupFunction;
  ref(): this;
  unref(): this;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
/** The native part in use. */
export const binding: { readonly version: string; readonly target: string };
