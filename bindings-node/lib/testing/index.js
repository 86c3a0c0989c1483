// Decides what a real HA group is to a test: servers, sentinels, faults and waits as one value.
'use strict';

const { readReply, guarded, settled } = require('../failure.js');
const { KeepAlive, within } = require('../keep_alive.js');
const { native } = require('../native_proxy.js');
const { parseAddress, toPairs } = require('../options.js');
const { readMessage } = require('../message.js');
const { useGroup, globalSetup, fromEnv, offerHooks } = require('./hooks.js');
const { SentinelleError } = require('../errors.js');

/** How long a whole failover may take in a test. */
const PATIENCE = 15_000;

/** A member of a group: a data server or a sentinel. */
class TestNode {
  /** @param {TestGroup} group @param {string} member @param {{ host: string, port: number }} address */
  constructor(group, member, address) {
    this.group = group;
    /** `server-0`, `sentinel-1`: how faults name it. */
    this.member = member;
    this.host = address.host;
    this.port = address.port;
  }

  /** Ends it as a power failure would. */
  kill() {
    return this.group.fault('kill', { member: this.member });
  }

  /** Starts it again. */
  restart() {
    return this.group.fault('restart', { member: this.member });
  }

  /** Stops it in its tracks: its connections stay open, it answers nothing. */
  pause() {
    return this.group.fault('pause', { member: this.member });
  }

  resume() {
    return this.group.fault('resume', { member: this.member });
  }

  /** Cuts it off from everybody, clients too; `heal` of the group undoes it. */
  isolate() {
    return this.group.fault('isolate', { member: this.member });
  }

  /** Delays every answer to the clients by that many milliseconds. @param {number} ms */
  delay(ms) {
    return this.group.fault('slow', { from: this.member, to: 'client', latency_ms: ms });
  }

  /** Resets its open connections; new ones can be made at once. */
  resetConnections() {
    return this.group.fault('reset-connections', { member: this.member });
  }

  /** Runs a command on it, over a connection that suffers what clients suffer. @param {...any} words */
  async command(...words) {
    const plain = words.map((word) => (word instanceof Uint8Array ? word : String(word)));
    return readReply(await settled(() => this.group.handle.command(this.member, plain)));
  }

  /** `master` or `slave`, in its own words. */
  async role() {
    return (await this.command('ROLE'))[0];
  }

  /** All that it has logged. */
  logs() {
    return settled(() => this.group.handle.logs(this.member));
  }

  toString() {
    return `${this.host}:${this.port}`;
  }
}

/** A running group. */
class TestGroup {
  /** Starts one; resolves when every write arrives on every replica and the sentinels know everybody. @param {any} [options] */
  static async start(options = {}) {
    const { timeout = 60_000, signal, ref = true, ...rest } = options;
    const starting = settled(() => native.NativeGroup.start(toPairs('group', { patience: PATIENCE, ...rest })));
    const handle = await within(starting, 'start a test group', { timeout, signal }).catch((error) => {
      starting.then(
        (late) => late.stop(),
        () => {},
      );
      throw error;
    });
    return new TestGroup(handle, { password: rest.password, ref });
  }

  /** @param {any} handle @param {{ password?: string, ref: boolean }} options */
  constructor(handle, { password, ref }) {
    this.handle = handle;
    this.password = password;
    this.name = handle.name;
    this.url = handle.url;
    const members = handle.members().map((/** @type {string[]} */ [name, address]) => new TestNode(this, name, parseAddress(address)));
    /** @type {readonly TestNode[]} */
    this.nodes = members.filter((/** @type {TestNode} */ node) => node.member.startsWith('server'));
    /** @type {readonly TestNode[]} */
    this.sentinels = members.filter((/** @type {TestNode} */ node) => node.member.startsWith('sentinel'));
    this.isStopped = false;
    this.keepAlive = new KeepAlive();
    if (ref) this.keepAlive.on();
  }

  /** Where clients are told to ask. */
  get sentinelAddresses() {
    return this.sentinels.map(({ host, port }) => ({ host, port }));
  }

  /** The server that most sentinels call the master. */
  async master() {
    return this.node(await settled(() => this.handle.master()));
  }

  async replicas() {
    const master = await this.master();
    return this.nodes.filter((node) => node !== master);
  }

  /** @param {string} member */
  node(member) {
    const found = [...this.nodes, ...this.sentinels].find((node) => node.member === member);
    if (!found) throw new SentinelleError('ERR_ARGUMENT', `the group has no member ${member}`);
    return found;
  }

  /** Options for `new Redis(...)` of ioredis. */
  ioredis() {
    return { sentinels: this.sentinelAddresses, name: this.name, ...(this.password && { password: this.password }) };
  }

  /** Options for `createSentinel(...)` of node-redis. */
  nodeRedis() {
    const options = { sentinelRootNodes: this.sentinelAddresses, name: this.name };
    return this.password ? { ...options, nodeClientOptions: { password: this.password } } : options;
  }

  /** Options for `new Discovery(...)` and `new Client(...)`. */
  discovery() {
    return { sentinels: this.sentinelAddresses, name: this.name, ...(this.password && { password: this.password }) };
  }

  /**
   * Moves the master; resolves when the sentinels name the new one.
   *
   * @param {'command' | 'kill' | 'pause' | 'partition'} [how]
   */
  async failover(how = 'command') {
    const old = await this.master();
    const begun = Date.now();
    if (how === 'command') await this.fault('failover');
    else if (how === 'kill') await old.kill();
    else if (how === 'pause') await old.pause();
    else if (how === 'partition') await old.isolate();
    else throw new SentinelleError('ERR_ARGUMENT', `a group fails over by command, kill, pause or partition, not by ${JSON.stringify(how)}`);
    const to = this.node(await settled(() => this.handle.waitMasterOtherThan(old.member)));
    return { master: this.name, from: { host: old.host, port: old.port }, to: { host: to.host, port: to.port }, at: new Date(), took: Date.now() - begun };
  }

  /**
   * Inflicts a fault by its name, with the arguments the engine's table gives it.
   *
   * @param {string} name
   * @param {Record<string, unknown>} [args]
   */
  async fault(name, args = {}) {
    const text = (/** @type {unknown} */ value) =>
      [value]
        .flat()
        .map((part) => (part instanceof TestNode ? part.member : String(part)))
        .join(',');
    await settled(() =>
      this.handle.fault(
        name,
        Object.entries(args).map(([key, value]) => [key, text(value)]),
      ),
    );
  }

  /** Cuts the group in two. @param {readonly TestNode[]} ones @param {readonly TestNode[]} others */
  partition(ones, others) {
    return this.fault('partition', { ones, others });
  }

  /** Undoes every fault. */
  heal() {
    return this.fault('heal');
  }

  /** Waits for `ready`, `synced`, `agreement` or `switched`. @param {string} condition */
  wait(condition) {
    return settled(() => this.handle.wait(condition));
  }

  /** Waits for an event of any sentinel, such as `+switch-master`. @param {string} channel */
  async waitEvent(channel) {
    return readEvent(await settled(() => this.handle.waitEvent(channel)));
  }

  /** Waits until everybody agrees and every write arrives everywhere. */
  settled() {
    return this.wait('ready');
  }

  /** What all sentinels told since the start. */
  events() {
    return guarded(() => this.handle.events()).map(readEvent);
  }

  /** Every member's own word, at this moment. */
  async view() {
    return JSON.parse(await settled(() => this.handle.view()));
  }

  async flushAll() {
    const master = await this.master();
    await master.command('FLUSHALL');
  }

  /** Makes the group fit for the next test: everybody up, no data, agreement. */
  reset() {
    return settled(() => this.handle.reset());
  }

  /** Ends every process of it. */
  async stop() {
    if (this.isStopped) return;
    this.isStopped = true;
    this.keepAlive.off();
    this.handle.stop();
  }

  async [Symbol.asyncDispose]() {
    await this.stop();
  }
}

/** @param {string} json */
function readEvent(json) {
  const event = JSON.parse(json);
  return { ...readMessage(event), at: new Date(event.at_ms), from: event.fields.from };
}

module.exports = { TestGroup, TestNode, useGroup, globalSetup, fromEnv, offerHooks };
