// Decides which client of node-redis is the current one: connected, verified by ROLE, replaced when the master is.
'use strict';

const { backoff, judgeAttempt, mayRepeat, READ, WRITE } = require('../client/policy.js');
const { SentinelleError, abortError } = require('../errors.js');
const { native } = require('../native_proxy.js');

/** How long a client may take to connect. */
const CONNECT_LIMIT = 2000;
/** How long a call waits for a master in all. */
const PATIENCE = 5000;

/** Errors of node-redis that say that nothing was sent, and those that leave it open. */
const NOT_SENT = new Set(['ClientClosedError', 'ClientOfflineError']);
const UNKNOWN = new Set(['SocketClosedUnexpectedlyError', 'DisconnectsClientError', 'ConnectionTimeoutError', 'SocketTimeoutError']);
const REPLIES = new Set(['SimpleError', 'BlobError', 'ErrorReply']);

/** One client that is always the master's. */
class Follower {
  /**
   * @param {any} discovery
   * @param {(node: any) => any} create a client, connected or not
   * @param {{ onChange?: (node: any, previous: any) => void, onWarning?: (error: Error) => void }} [told]
   */
  constructor(discovery, create, { onChange = () => {}, onWarning = () => {} } = {}) {
    this.discovery = discovery;
    this.create = create;
    this.onChange = onChange;
    this.onWarning = onWarning;
    /** @type {any} */
    this.client = null;
    /** @type {any} */
    this.node = null;
    this.generation = -1;
    this.isHeld = false;
    this.isClosed = false;
    /** How often all calls together may be tried again: the engine's budget. */
    this.retries = new native.NativeRetries();
    this.calls = 0;
    /** Counts attempts to connect: only the newest may win. */
    this.round = 0;
    this.isConnecting = false;
    /** @type {Set<() => void>} */
    this.waiters = new Set();
    this.follow = this.follow.bind(this);
    discovery.on('topology', this.follow);
    if (discovery.topology) this.follow(discovery.topology);
    else discovery.open().catch(onWarning);
  }

  /** @param {any} topology */
  follow(topology) {
    if (this.isClosed) return;
    this.isHeld = topology.phase === 'hold';
    if (topology.master && topology.generation !== this.generation) {
      this.generation = topology.generation;
      this.drop();
      void this.connect(topology);
    } else if (topology.master && this.client === null && !this.isConnecting) {
      void this.connect(topology);
    }
    this.wake();
  }

  /** Nothing more goes to this client. */
  drop() {
    const { client } = this;
    this.client = null;
    this.round += 1;
    this.isConnecting = false;
    if (client) discard(client);
  }

  /** @param {any} topology */
  async connect({ master, generation }) {
    const round = ++this.round;
    const isWanted = () => !this.isClosed && this.round === round;
    this.isConnecting = true;
    for (let attempt = 1; isWanted(); attempt++) {
      try {
        const client = await connected(this.create, master);
        if (!isWanted()) return discard(client);
        this.isConnecting = false;
        this.adopt(client, master, generation);
        return;
      } catch (error) {
        if (!isWanted()) return;
        this.onWarning(/** @type {Error} */ (error));
        this.discovery.suspect(generation, isReplica(error) ? 'read-only' : 'disconnected');
        await new Promise((resolve) => setTimeout(resolve, backoff(attempt)));
      }
    }
  }

  /** @param {any} client @param {any} node @param {number} generation */
  adopt(client, node, generation) {
    const previous = this.node;
    this.client = client;
    this.node = node;
    const lost = () => {
      if (this.client !== client || client.isReady) return;
      this.discovery.suspect(generation, 'disconnected');
      this.drop();
      if (!this.isClosed) void this.connect({ master: node, generation });
    };
    client.on('error', lost);
    client.on('end', lost);
    client.on('reconnecting', lost);
    this.onChange(node, previous);
    this.wake();
  }

  /** The current client, once there is one and, for writes, none is held. @param {{ deadline: number, isRead: boolean, signal?: AbortSignal }} limits */
  async current({ deadline, isRead, signal }) {
    for (;;) {
      if (this.isClosed) throw new SentinelleError('ERR_CLOSED', 'the client is closed', { outcome: 'not-sent' });
      if (signal?.aborted) throw abortError(signal, 'not-sent');
      if (this.client && (isRead || this.mayWrite())) return { client: this.client, generation: this.generation };
      const left = deadline - performance.now();
      if (left <= 0) throw this.late();
      await this.change(left, signal);
    }
  }

  /** Whether a write may leave; what the engine tells comes a moment later than what it knows. */
  mayWrite() {
    this.isHeld ||= !this.discovery.mayWrite(this.generation);
    return !this.isHeld;
  }

  late() {
    const { topology, name } = this.discovery;
    const why = topology?.trouble ?? (this.isHeld ? 'writes are held while a replica is promoted' : 'no connection to the master');
    return new SentinelleError('ERR_TIMEOUT', `the master ${name} could not be used in time: ${why}`, { outcome: 'not-sent', retryable: true });
  }

  /** @param {number} ms @param {AbortSignal} [signal] @returns {Promise<void>} */
  change(ms, signal) {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.waiters.delete(wake);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      signal?.addEventListener('abort', wake, { once: true });
      this.waiters.add(wake);
    });
  }

  wake() {
    for (const wake of [...this.waiters]) wake();
  }

  /**
   * Runs `work` with the current client, and again where the engine's rules allow it.
   *
   * @template T
   * @param {(client: any) => Promise<T>} work
   * @param {{ isRead?: boolean, retry?: boolean, timeout?: number, signal?: AbortSignal }} [options]
   * @returns {Promise<T>}
   */
  async run(work, { isRead = false, retry = true, timeout = PATIENCE, signal } = {}) {
    const deadline = performance.now() + timeout;
    this.calls += 1;
    for (let attempt = 1; ; attempt++) {
      const { client, generation } = await this.current({ deadline, isRead, signal });
      try {
        return await work(client);
      } catch (error) {
        const again = retry && this.mayRepeat(error, isRead ? READ : WRITE, generation);
        const pause = again && performance.now() < deadline ? this.retries.nextMs(attempt, this.calls) : null;
        if (pause === null) throw error;
        if (REPLIES.has(nameOf(error))) await this.change(Math.max(1, Math.min(pause, deadline - performance.now())), signal);
      }
    }
  }

  /** What the engine says of a failed attempt; tells it what was seen. @param {unknown} error @param {number} kind @param {number} generation */
  mayRepeat(error, kind, generation) {
    const name = nameOf(error);
    if (REPLIES.has(name)) {
      const verdict = judgeAttempt(kind, 'rejected', /** @type {Error} */ (error).message);
      if (verdict.sign) this.discovery.suspect(generation, verdict.sign);
      return verdict.mayRetry;
    }
    if (NOT_SENT.has(name)) return judgeAttempt(kind, 'not-sent').mayRetry;
    return UNKNOWN.has(name) && mayRepeat(kind, 'idempotent');
  }

  close() {
    this.isClosed = true;
    this.discovery.off('topology', this.follow);
    const { client } = this;
    this.client = null;
    this.wake();
    return client;
  }
}

/** @param {(node: any) => any} create @param {any} node */
async function connected(create, node) {
  const client = await create(node);
  client.on('error', () => {});
  let timer;
  const late = new Promise((_, reject) => {
    const what = `${node.host}:${node.port}`;
    timer = setTimeout(
      () => reject(new SentinelleError('ERR_TIMEOUT', `${what} could not be connected to within ${CONNECT_LIMIT} ms`, { address: what })),
      CONNECT_LIMIT,
    );
  });
  try {
    const opening = (async () => {
      if (!client.isOpen) await client.connect();
      const [role] = await client.sendCommand(['ROLE']);
      if (String(role) !== 'master') throw new SentinelleError('ERR_NO_MASTER', `${node.host}:${node.port} is ${role}, not master`, { retryable: true });
    })();
    opening.catch(() => {});
    await Promise.race([opening, late]);
    return client;
  } catch (error) {
    discard(client);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Ends a client whatever state it is in. @param {any} client */
function discard(client) {
  client.on?.('error', () => {});
  try {
    const ending = client.destroy();
    ending?.catch?.(() => {});
  } catch {
    // It was ended before.
  }
}

/** @param {unknown} error */
function isReplica(error) {
  return error instanceof SentinelleError && error.code === 'ERR_NO_MASTER';
}

/** @param {unknown} error */
function nameOf(error) {
  return error instanceof Error ? error.constructor.name : '';
}

module.exports = { Follower, connected, discard, PATIENCE };
