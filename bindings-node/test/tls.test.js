// TLS and passwords, for each side on its own: through our client, and through ioredis and node-redis with their own options.
'use strict';

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');
const { Discovery } = require('sentinelle');
const { Client } = require('sentinelle/client');
const { Redis } = require('sentinelle/ioredis');
const { createSentinel } = require('sentinelle/node-redis');
const { SecureGroup } = require('./secure_group.js');

describe('two sides with an authority and a password each', () => {
  let group;
  before(async () => {
    group = await SecureGroup.start();
  });
  after(() => group.stop());

  /** All that it takes, but for `changes`. */
  const options = (changes = {}) => ({
    sentinels: [group.sentinel],
    name: group.name,
    sentinelTls: { ca: group.authority('sentinel') },
    sentinelPassword: group.passwords.sentinel,
    tls: { ca: group.authority('data') },
    password: group.passwords.data,
    ...changes,
  });
  const outcome = async (changes) => {
    const discovery = new Discovery(options(changes));
    try {
      return await discovery.master({ timeout: 3000 });
    } catch (error) {
      return `${error.code} ${error.message} ${error.attempts.join(' ')}`;
    } finally {
      await discovery.close();
    }
  };

  test('a discovery finds the master and verifies it', async () => {
    assert.equal((await outcome()).port, group.master.port);
  });

  test('each side is checked against its own authority', async () => {
    assert.match(await outcome({ sentinelTls: { ca: group.authority('data') } }), /^ERR_NO_SENTINEL .*certificate/i);
    assert.match(await outcome({ tls: { ca: group.authority('sentinel') } }), /^ERR_NO_MASTER .*certificate/i);
    assert.equal((await outcome({ sentinelTls: { ca: group.authority('data'), rejectUnauthorized: false } })).port, group.master.port);
  });

  test('each side has its own password', async () => {
    assert.match(await outcome({ sentinelPassword: 'wrong' }), /password|WRONGPASS/i);
    assert.match(await outcome({ password: 'wrong' }), /password|WRONGPASS/i);
  });

  for (const protocol of [2, 3]) {
    test(`the client has commands, leases and subscriptions over it, in RESP${protocol}`, async (t) => {
      const client = new Client(options({ protocol }));
      t.after(() => client.close());
      const big = 'ü'.repeat(200_000);

      assert.equal(await client.set('key', big), 'OK');
      assert.equal(await client.get('key'), big);
      await using_(await client.lease(), async (lease) => assert.equal(await lease.watch('key'), 'OK'));
      const subscription = await client.subscribe('news');
      await client.publish('news', 'heard');
      assert.equal((await subscription.next()).value.message, 'heard');
      subscription.close();
    });
  }

  test('a client that may not trust the server says so instead of waiting', async (t) => {
    const client = new Client(options({ probe: 'none', tls: { ca: group.authority('sentinel') } }));
    t.after(() => client.close());

    await assert.rejects(client.call(['GET', 'key'], { timeout: 60_000 }), { code: 'ERR_TLS', message: /certificate/ });
  });

  test('ioredis, by its own options', async (t) => {
    const redis = new Redis({
      sentinels: [group.sentinel],
      name: group.name,
      sentinelTLS: { ca: group.authority('sentinel') },
      sentinelPassword: group.passwords.sentinel,
      enableTLSForSentinelMode: true,
      tls: { ca: group.authority('data') },
      password: group.passwords.data,
    });
    redis.on('error', () => {});
    t.after(() => redis.disconnect());

    assert.equal(await redis.set('key', 'by ioredis'), 'OK');
    assert.equal(redis.stream.encrypted, true);
  });

  test('node-redis, by its own options', async (t) => {
    const sentinel = createSentinel({
      name: group.name,
      sentinelRootNodes: [group.sentinel],
      nodeClientOptions: { password: group.passwords.data, socket: { tls: true, ca: group.authority('data') } },
      sentinelClientOptions: { password: group.passwords.sentinel, socket: { tls: true, ca: group.authority('sentinel') } },
    });
    t.after(() => sentinel.destroy());
    await sentinel.connect();

    assert.equal(await sentinel.set('key', 'by node-redis'), 'OK');
  });
});

/** What `await using` is where it is not spoken yet. */
async function using_(thing, work) {
  try {
    await work(thing);
  } finally {
    await thing[Symbol.asyncDispose]();
  }
}
