// Decides how one socket carries commands: one write for each tick, replies in order, and what is known of a command when it ends.
'use strict';

const net = require('node:net');
const tls = require('node:tls');
const { Decoder } = require('../resp/decode.js');
const { encode } = require('../resp/encode.js');
const { Fifo } = require('./fifo.js');
const { SentinelleError } = require('../errors.js');
const { greeting, judge } = require('./handshake.js');

/** How much is read at once. */
const READ_SIZE = 64 * 1024;
/** A tick's commands beyond this many characters are written at once. */
const LARGEST_BATCH = 256 * 1024;

/** What a command is to a connection. @typedef {object} Carried
 * @property {string | (string | Uint8Array)[]} payload
 * @property {(reply: any) => boolean} take gets a reply; true when it was the last one
 * @property {number} deadline on the clock of `performance.now()`
 */

/** What is told of a connection's end. @typedef {object} Lost
 * @property {SentinelleError} reason
 * @property {Carried[]} unknown commands that were written and not answered
 * @property {Carried[]} notSent commands of which no byte left
 */

/**
 * A verified connection to one server.
 *
 * Make one with `Connection.open`. `onLost` is called exactly once, at its end, whoever ended it.
 */
class Connection {
  /** @param {net.Socket} socket @param {ConnectionOptions} options */
  constructor(socket, options) {
    this.socket = socket;
    this.address = options.address;
    this.generation = options.generation ?? 0;
    /** @type {(lost: Lost) => void} */
    this.onLost = options.onLost ?? (() => {});
    /** @type {(push: any[]) => void} */
    this.onPush = options.onPush ?? (() => {});
    /** @type {Fifo<Carried>} */
    this.inFlight = new Fifo();
    /** @type {string} */
    this.text = '';
    /** @type {(string | Uint8Array)[] | null} */
    this.parts = null;
    /** How many of `inFlight`, counted from the end, are not written yet. */
    this.unwritten = 0;
    this.isScheduled = false;
    /** Whether the engine lets writes go with what is gathered for this tick. */
    this.isCleared = false;
    this.isOpen = true;
    /** Since when the oldest command waits without a byte from the server. */
    this.silentSince = performance.now();
    this.flush = this.flush.bind(this);
    this.decoder = new Decoder({
      buffers: options.buffers,
      isLent: true,
      onReply: (reply) => this.onReply(reply),
      onPush: (push) => this.onPush(push),
    });
    socket.on('error', (error) => this.end(lostError(this.address, error)));
    socket.on('close', () => this.end(lostError(this.address)));
  }

  /**
   * Connects, says hello and checks the role, all within `timeout`.
   *
   * @param {ConnectionOptions} options
   * @returns {Promise<Connection>}
   */
  static async open(options) {
    const timeout = options.connectTimeout ?? 1000;
    /** @type {(chunk: Buffer) => void} */
    let hear = () => {};
    // One buffer for all reads spares an allocation with each; a TLS socket knows no such thing.
    const onread = {
      buffer: Buffer.allocUnsafeSlow(options.tls ? 0 : READ_SIZE),
      callback: (/** @type {number} */ count, /** @type {any} */ bytes) => {
        hear(bytes.subarray(0, count));
        return true;
      },
    };
    const socket = options.tls ? tls.connect(tlsOptions(options)) : net.connect({ ...options.address, onread });
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 15_000);
    const connection = new Connection(socket, { ...options, onLost: undefined });
    hear = (chunk) => connection.onData(chunk);
    if (options.tls) socket.on('data', hear);
    try {
      await connection.greet(options, timeout);
    } catch (error) {
      socket.destroy();
      throw error;
    }
    connection.decoder.buffers = options.buffers ?? false;
    connection.onLost = options.onLost ?? (() => {});
    return connection;
  }

  /** @param {ConnectionOptions} options @param {number} timeout @returns {Promise<void>} */
  greet(options, timeout) {
    this.decoder.buffers = false;
    let done = () => {};
    return new Promise((resolve, reject) => {
      const { address } = options;
      const late = () =>
        reject(new SentinelleError('ERR_TIMEOUT', `${at(address)} did not greet within ${timeout} ms`, { outcome: 'not-sent', address: at(address) }));
      const timer = setTimeout(late, timeout);
      const stop = options.signal;
      const aborted = () => reject(new SentinelleError('ERR_ABORTED', `connecting to ${at(address)} was given up`, { outcome: 'not-sent' }));
      stop?.addEventListener('abort', aborted, { once: true });
      done = () => {
        clearTimeout(timer);
        stop?.removeEventListener('abort', aborted);
      };
      this.onLost = ({ reason }) => reject(reason);
      const ask = (/** @type {string[][]} */ lines) => {
        /** @type {any[]} */
        const replies = [];
        lines.forEach((words) => {
          this.send({
            payload: encode(words),
            deadline: Infinity,
            take: (reply) => {
              replies.push(reply);
              if (replies.length === lines.length) next(lines, replies);
              return true;
            },
          });
        });
      };
      const next = (/** @type {string[][]} */ lines, /** @type {any[]} */ replies) => {
        try {
          const again = judge(lines, replies, options);
          if (again) ask(again);
          else resolve(undefined);
        } catch (error) {
          reject(error);
        }
      };
      if (stop?.aborted) aborted();
      ask(greeting(options, options.protocol ?? 3));
    }).finally(() => done());
  }

  /** Queues a command for this tick's write. @param {Carried} command */
  send(command) {
    this.inFlight.push(command);
    this.unwritten += 1;
    const { payload } = command;
    if (typeof payload === 'string') {
      this.text += payload;
      if (this.text.length > LARGEST_BATCH) return this.flush();
    } else {
      this.parts ??= [];
      this.parts.push(this.text + payload[0]);
      for (let index = 1; index < payload.length; index++) this.parts.push(payload[index]);
      this.text = '';
    }
    if (!this.isScheduled) {
      this.isScheduled = true;
      process.nextTick(this.flush);
    }
  }

  flush() {
    this.isScheduled = false;
    this.isCleared = false;
    if (this.unwritten === 0 || !this.isOpen) return;
    if (this.unwritten === this.inFlight.length) this.silentSince = performance.now();
    this.unwritten = 0;
    const { text, parts, socket } = this;
    this.text = '';
    this.parts = null;
    if (parts === null) {
      socket.write(text);
      return;
    }
    socket.cork();
    for (const part of parts) socket.write(part);
    if (text !== '') socket.write(text);
    socket.uncork();
  }

  /** How many bytes wait for the network. */
  get backlog() {
    return this.socket.writableLength;
  }

  /** @param {Buffer} chunk */
  onData(chunk) {
    this.silentSince = performance.now();
    try {
      this.decoder.push(chunk);
    } catch (error) {
      this.end(/** @type {SentinelleError} */ (error));
    }
  }

  /** @param {any} reply */
  onReply(reply) {
    if (this.inFlight.length === this.unwritten) throw new SentinelleError('ERR_PROTOCOL', 'the server sent a reply that nothing asked for');
    const command = this.inFlight.at(0);
    if (command.take(reply)) this.inFlight.shift();
  }

  /** Cuts it off at once. @param {SentinelleError} reason */
  end(reason) {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.socket.destroy();
    const written = this.inFlight.length - this.unwritten;
    const all = this.inFlight.drain();
    this.text = '';
    this.parts = null;
    this.unwritten = 0;
    this.onLost({ reason, unknown: all.slice(0, written), notSent: all.slice(written) });
  }

  ref() {
    this.socket.ref();
  }

  unref() {
    this.socket.unref();
  }
}

/**
 * @typedef {object} ConnectionOptions
 * @property {{ host: string, port: number }} address
 * @property {number} [generation]
 * @property {boolean} [buffers]
 * @property {2 | 3} [protocol]
 * @property {string} [username]
 * @property {string} [password]
 * @property {number} [db]
 * @property {string} [clientName]
 * @property {false | true | import('node:tls').ConnectionOptions & { servername?: string | ((node: { host: string, port: number }) => string) }} [tls]
 * @property {'master' | 'slave' | null} [role] the role it must have; null takes any
 * @property {number} [connectTimeout]
 * @property {AbortSignal} [signal]
 * @property {(lost: Lost) => void} [onLost]
 * @property {(push: any[]) => void} [onPush]
 */

/** @param {ConnectionOptions} options @returns {import('node:tls').ConnectionOptions} */
function tlsOptions({ address, tls: given }) {
  /** @type {any} */
  const options = given === true || !given ? {} : given;
  const chosen = typeof options.servername === 'function' ? options.servername(address) : options.servername;
  const servername = chosen ?? (net.isIP(address.host) ? undefined : address.host);
  return { ...options, host: address.host, port: address.port, servername };
}

/** The codes of Node's errors that no further attempt mends: certificates and TLS itself. */
const NO_TRUST = /CERT|^ERR_(TLS|SSL)_|^UNABLE_TO_|^EPROTO$/;

/** @param {{ host: string, port: number }} address @param {Error} [cause] */
function lostError(address, cause) {
  const why = cause ? cause.message : 'the server closed it';
  const code = NO_TRUST.test(String(/** @type {any} */ (cause)?.code)) ? 'ERR_TLS' : 'ERR_CONNECTION';
  return new SentinelleError(code, `the connection to ${at(address)} was lost: ${why}`, { address: at(address), cause });
}

/** @param {{ host: string, port: number }} address */
function at({ host, port }) {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

module.exports = { Connection, at };
