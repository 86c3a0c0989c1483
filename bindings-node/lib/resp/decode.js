// Decides what bytes mean: an incremental, bounded reader of RESP2 and RESP3.
'use strict';

const { ReplyError, SentinelleError } = require('../errors.js');

const CR = 13;
const LF = 10;
/** The longest bulk string, as Redis' own `proto-max-bulk-len`. */
const LONGEST_BULK = 512 * 1024 * 1024;
/** The longest line: status, error, number. */
const LONGEST_LINE = 64 * 1024;
/** How deep replies may nest; Redis' own commands stay below ten. */
const DEEPEST = 64;
/** Buffers below this size are copied, so that a small reply does not keep a whole read alive. */
const COPIED = 16 * 1024;
/** What a read gives when the bytes end before the value. */
const MORE = Symbol('more');
/** @typedef {{ kind: number, count: number, items: any[] }} Frame */
const ARRAY = 0;
const MAP = 1;
const PUSH = 2;
const ATTRIBUTE = 3;
const EMPTY = Buffer.alloc(0);

/**
 * Reads replies from bytes that arrive in pieces.
 *
 * `onReply` gets each reply, errors as `ReplyError` values; `onPush` gets the frames that answer nothing.
 * A break of the protocol throws `SentinelleError` with the code `ERR_PROTOCOL`; nothing may be read afterwards.
 */
class Decoder {
  /**
   * `isLent`: the bytes given to `push` are overwritten afterwards, so that nothing may be kept of them.
   *
   * @param {{ buffers?: boolean, isLent?: boolean, onReply: (value: any) => void, onPush: (value: any[]) => void }} options
   */
  constructor({ buffers = false, isLent = false, onReply, onPush }) {
    this.buffers = buffers;
    this.isLent = isLent;
    /** Whether `bytes` are lent. */
    this.mustCopy = false;
    this.onReply = onReply;
    this.onPush = onPush;
    /** @type {any} a Buffer; its `utf8Slice` and `latin1Slice` are not in Node's types */
    this.bytes = EMPTY;
    this.lineStart = 0;
    this.lineEnd = 0;
    this.at = 0;
    /** How many bytes must be there before another try makes sense. */
    this.needed = 0;
    /** @type {Buffer[]} pieces that wait for `needed` */
    this.pieces = [];
    this.held = 0;
    /** @type {Frame[]} */
    this.frames = [];
  }

  /** @param {Buffer} chunk */
  push(chunk) {
    if (this.held > 0) {
      this.held += chunk.length;
      if (this.held < this.needed) {
        this.pieces.push(this.isLent ? Buffer.from(chunk) : chunk);
        return;
      }
      this.pieces.push(chunk);
      this.bytes = Buffer.concat(this.pieces, this.held);
      this.mustCopy = false;
      this.pieces = [];
    } else {
      this.bytes = chunk;
      this.mustCopy = this.isLent;
    }
    this.at = 0;
    this.needed = 0;
    this.readAll();
    this.keepRest();
  }

  readAll() {
    const end = this.bytes.length;
    while (this.at < end) {
      const start = this.at;
      const value = this.readItem();
      if (value === MORE) {
        this.at = start;
        return;
      }
      if (value !== undefined) this.deliver(value);
    }
  }

  keepRest() {
    const rest = this.bytes.length - this.at;
    this.held = rest;
    if (rest > 0) {
      const part = this.at === 0 ? this.bytes : this.bytes.subarray(this.at);
      this.pieces = [this.mustCopy ? Buffer.from(part) : part];
      this.needed = Math.max(this.needed, rest + 1);
    }
    this.bytes = EMPTY;
  }

  /** Hands a complete value to what waits for it, and what this completes, outwards. @param {any} value */
  deliver(value) {
    while (this.frames.length > 0) {
      const frame = this.frames[this.frames.length - 1];
      frame.items.push(value);
      if (frame.items.length < frame.count) return;
      this.frames.pop();
      if (frame.kind === ATTRIBUTE) return;
      if (frame.kind === PUSH) {
        this.onPush(frame.items);
        return;
      }
      value = frame.kind === MAP ? toMap(frame.items) : frame.items;
    }
    this.onReply(value);
  }

  /** One scalar, MORE, or undefined when a container was opened (an empty one is a value). */
  readItem() {
    const kind = this.bytes[this.at];
    if (kind === 36) return this.readBulk(); // $
    const line = this.readLine();
    if (line === MORE) return MORE;
    const { bytes } = this;
    const from = this.lineStart;
    switch (kind) {
      case 43: // +
        if (bytes[from] === 79 && bytes[from + 1] === 75 && this.lineEnd - from === 2) return this.buffers ? Buffer.from('OK') : 'OK';
        return this.buffers ? Buffer.from(bytes.subarray(from, this.lineEnd)) : bytes.utf8Slice(from, this.lineEnd);
      case 45: // -
        return new ReplyError(bytes.utf8Slice(from, this.lineEnd));
      case 58: // :
        return readInteger(bytes, from, this.lineEnd);
      case 42: // *
      case 126: // ~
        return this.open(ARRAY, readCount(bytes, from, this.lineEnd), 1);
      case 37: // %
        return this.open(MAP, readCount(bytes, from, this.lineEnd), 2);
      case 62: // >
        if (this.frames.length > 0) throw broken('a push inside a reply');
        return this.open(PUSH, readCount(bytes, from, this.lineEnd), 1);
      case 124: // |
        return this.open(ATTRIBUTE, readCount(bytes, from, this.lineEnd), 2);
      case 95: // _
        return null;
      case 35: // #
        return bytes[from] === 116;
      case 44: // ,
        return readDouble(bytes.latin1Slice(from, this.lineEnd));
      case 40: // (
        return readBig(bytes.latin1Slice(from, this.lineEnd));
      case 33: // !
      case 61: // =
        return this.readMarkedBulk(kind, readCount(bytes, from, this.lineEnd));
      default:
        throw broken(`a reply that begins with byte ${kind}`);
    }
  }

  /** Sets `lineStart` and `lineEnd` around the line behind the type byte and moves past it. */
  readLine() {
    const { bytes } = this;
    const from = this.at + 1;
    const end = bytes.indexOf(CR, from);
    if (end < 0 || end + 1 >= bytes.length) {
      if (bytes.length - from > LONGEST_LINE) throw broken('a line without an end');
      return MORE;
    }
    if (bytes[end + 1] !== LF || end - from > LONGEST_LINE) throw broken('a line that does not end as lines do');
    this.lineStart = from;
    this.lineEnd = end;
    this.at = end + 2;
    return from;
  }

  readBulk() {
    const { bytes } = this;
    const start = this.at;
    let at = start + 1;
    let length = 0;
    let byte = bytes[at];
    while (byte >= 48 && byte <= 57) {
      length = length * 10 + byte - 48;
      if (length > LONGEST_BULK) throw broken('a string longer than 512 MiB');
      byte = bytes[++at];
    }
    if (byte !== CR || at === start + 1) {
      if (at >= bytes.length) return MORE;
      return this.readNullBulk();
    }
    const from = at + 2;
    const end = from + length;
    if (end + 2 > bytes.length) {
      this.needed = end + 2 - start;
      return MORE;
    }
    if (bytes[at + 1] !== LF || bytes[end] !== CR || bytes[end + 1] !== LF) throw broken('a string that does not end as strings do');
    this.at = end + 2;
    return this.text(from, end);
  }

  /** `$-1`, the null of RESP2. */
  readNullBulk() {
    if (this.readLine() === MORE) return MORE;
    if (readCount(this.bytes, this.lineStart, this.lineEnd) !== -1) throw broken('a string of no length');
    return null;
  }

  /** Bulk errors and verbatim strings, whose header has been read. @param {number} kind @param {number} length */
  readMarkedBulk(kind, length) {
    if (length < 0 || length > LONGEST_BULK) throw broken('a string of no length');
    const { bytes } = this;
    const from = this.at;
    const end = from + length;
    if (end + 2 > bytes.length) return MORE;
    if (bytes[end] !== CR || bytes[end + 1] !== LF) throw broken('a string that does not end as strings do');
    this.at = end + 2;
    if (kind === 33) return new ReplyError(bytes.utf8Slice(from, end));
    return this.text(Math.min(from + 4, end), end);
  }

  /** @param {number} from @param {number} end */
  text(from, end) {
    if (!this.buffers) return this.bytes.utf8Slice(from, end);
    const part = this.bytes.subarray(from, end);
    return part.length < COPIED || this.mustCopy ? Buffer.from(part) : part;
  }

  /** @param {number} kind @param {number} count @param {number} width */
  open(kind, count, width) {
    if (count === -1 && kind === ARRAY) return null;
    if (count < 0) throw broken('a collection of no length');
    if (count === 0) {
      if (kind === PUSH || kind === ATTRIBUTE) return undefined;
      return kind === MAP ? new Map() : [];
    }
    if (this.frames.length === DEEPEST) throw broken(`a reply nested deeper than ${DEEPEST}`);
    this.frames.push({ kind, count: count * width, items: [] });
    return undefined;
  }
}

/** @param {any[]} items keys and values in turn */
function toMap(items) {
  const map = new Map();
  for (let index = 0; index < items.length; index += 2) map.set(items[index], items[index + 1]);
  return map;
}

/** A number while it is exact, a bigint beyond. @param {any} bytes @param {number} from @param {number} end */
function readInteger(bytes, from, end) {
  const negative = bytes[from] === 45;
  const first = negative ? from + 1 : from;
  if (end - first > 15) return shrink(readBig(bytes.latin1Slice(from, end)));
  let value = 0;
  for (let at = first; at < end; at++) {
    const digit = bytes[at] - 48;
    if (digit < 0 || digit > 9) throw broken('a number that is none');
    value = value * 10 + digit;
  }
  if (end === first) throw broken('a number that is none');
  return negative ? -value : value;
}

/** @param {bigint} value */
function shrink(value) {
  const small = Number(value);
  return Number.isSafeInteger(small) ? small : value;
}

/** @param {any} bytes @param {number} from @param {number} end */
function readCount(bytes, from, end) {
  const count = readInteger(bytes, from, end);
  if (typeof count !== 'number' || count > 0xffffffff) throw broken('a length beyond all bounds');
  return count;
}

/** @param {string} text */
function readDouble(text) {
  if (text === 'inf') return Infinity;
  if (text === '-inf') return -Infinity;
  return text === 'nan' ? NaN : Number(text);
}

/** @param {string} text */
function readBig(text) {
  if (!/^-?\d+$/.test(text)) throw broken('a number that is none');
  return BigInt(text);
}

/** @param {string} what */
function broken(what) {
  return new SentinelleError('ERR_PROTOCOL', `the server sent ${what}`);
}

module.exports = { Decoder };
