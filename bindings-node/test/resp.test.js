// What the codec of the data path does with bytes, however they arrive.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Decoder } = require('../lib/resp/decode.js');
const { encode } = require('../lib/resp/encode.js');
const { Fifo } = require('../lib/client/fifo.js');

function decode(bytes, { size = Infinity, buffers = false } = {}) {
  const replies = [];
  const pushes = [];
  const decoder = new Decoder({ buffers, onReply: (reply) => replies.push(reply), onPush: (push) => pushes.push(push) });
  const all = Buffer.from(bytes);
  for (let at = 0; at < all.length; at += size) decoder.push(all.subarray(at, Math.min(at + size, all.length)));
  return { replies, pushes };
}

const WIRE =
  '+OK\r\n$5\r\nhello\r\n$-1\r\n*-1\r\n*0\r\n:-42\r\n:9223372036854775807\r\n*2\r\n$1\r\na\r\n*1\r\n:1\r\n_\r\n#t\r\n#f\r\n,1.5\r\n,inf\r\n' +
  '(123456789012345678901234567890\r\n=8\r\ntxt:some\r\n%1\r\n+k\r\n:1\r\n~2\r\n:1\r\n:2\r\n|1\r\n+ttl\r\n:3\r\n+after\r\n%0\r\n$0\r\n\r\n';
const VALUES = [
  'OK',
  'hello',
  null,
  null,
  [],
  -42,
  9223372036854775807n,
  ['a', [1]],
  null,
  true,
  false,
  1.5,
  Infinity,
  123456789012345678901234567890n,
  'some',
  new Map([['k', 1]]),
  [1, 2],
  'after',
  new Map(),
  '',
];

test('every type of RESP2 and RESP3 is read, whatever pieces it comes in', () => {
  for (const size of [1, 2, 3, 7, 64, Infinity]) assert.deepEqual(decode(WIRE, { size }).replies, VALUES, `pieces of ${size}`);
});

test('nothing is kept of bytes that are lent', () => {
  const lent = Buffer.alloc(7);
  const replies = [];
  const decoder = new Decoder({ buffers: true, isLent: true, onReply: (reply) => replies.push(reply), onPush: () => {} });
  const big = 'x'.repeat(20_000);
  const all = Buffer.from(`$5\r\nhello\r\n$${big.length}\r\n${big}\r\n+OK\r\n`);

  for (let at = 0; at < all.length; at += lent.length) {
    const count = all.copy(lent, 0, at, at + lent.length);
    decoder.push(lent.subarray(0, count));
    lent.fill('?');
  }

  assert.deepEqual(replies.map(String), ['hello', big, 'OK']);
});

test('a push answers nothing', () => {
  const { replies, pushes } = decode('>3\r\n+message\r\n+ch\r\n$2\r\nhi\r\n+OK\r\n', { size: 4 });

  assert.deepEqual({ replies, pushes }, { replies: ['OK'], pushes: [['message', 'ch', 'hi']] });
});

test('an error reply is a value with its code', () => {
  const { replies } = decode('-READONLY no\r\n!7\r\nERR bad\r\n*1\r\n-ERR in\r\n');

  assert.deepEqual([replies[0].code, replies[1].message, replies[2][0].code], ['READONLY', 'ERR bad', 'ERR']);
});

test('strings are buffers when they are wanted so, also at a length of many reads', () => {
  const big = 'ü'.repeat(100_000);

  const { replies } = decode(`$${Buffer.byteLength(big)}\r\n${big}\r\n`, { size: 1000, buffers: true });

  assert.equal(replies[0].toString(), big);
});

test('what breaks the protocol is refused, and nothing grows without bound', () => {
  for (const bytes of [
    '?\r\n',
    ':x\r\n',
    '$5\r\nhelloXX',
    '$99999999999\r\n',
    '+no\rend',
    '*-5\r\n',
    `${'*1\r\n'.repeat(100)}:1\r\n`,
    `+${'x'.repeat(70_000)}`,
    '$\r\n',
  ]) {
    assert.throws(() => decode(bytes), { code: 'ERR_PROTOCOL' }, JSON.stringify(bytes.slice(0, 20)));
  }
});

test('a command is packed by its bytes, not by its letters', () => {
  assert.equal(encode(['SET', 'ü', 1, 2n]), '*4\r\n$3\r\nSET\r\n$2\r\nü\r\n$1\r\n1\r\n$1\r\n2\r\n');
  const parts = encode(['SET', 'k', Buffer.from([0, 255])]);
  assert.deepEqual(Buffer.concat(parts.map((part) => Buffer.from(part))), Buffer.from('*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\n\x00\xff\r\n', 'latin1'));
  assert.throws(() => encode(['SET', 'k', undefined]), TypeError);
  assert.throws(() => encode(['SET', 'k', null]), TypeError);
});

test('a queue keeps its order while it grows and wraps', () => {
  const fifo = new Fifo();
  let next = 0;
  let expected = 0;

  for (let round = 0; round < 100; round++) {
    for (let count = 0; count < 7; count++) fifo.push(next++);
    for (let count = 0; count < 5; count++) assert.equal(fifo.shift(), expected++);
  }

  assert.equal(fifo.at(0), expected);
  assert.deepEqual(
    fifo.drain(),
    Array.from({ length: next - expected }, (_, index) => expected + index),
  );
  assert.equal(fifo.shift(), undefined);
});
