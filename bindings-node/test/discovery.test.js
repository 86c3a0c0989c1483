// What a program may rely on when it asks for the master and watches it.
'use strict';

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const { once } = require('node:events');
const { join } = require('node:path');
const { after, before, beforeEach, describe, test } = require('node:test');
const { promisify } = require('node:util');
const { Discovery, SentinelleError } = require('sentinelle');
const { TestGroup } = require('sentinelle/testing');
const { CODES } = require('../lib/failure.js');
const { native } = require('../lib/native_proxy.js');
const { watched } = require('./writer.js');

const run = promisify(execFile);

describe('a discovery', () => {
  let group;
  let discovery;
  before(async () => {
    group = await TestGroup.start();
  });
  after(() => group.stop());
  beforeEach(async (t) => {
    await group.reset();
    discovery = new Discovery(group.discovery());
    t.after?.(() => discovery.close());
  });
  const address = ({ host, port }) => ({ host, port });

  test('finds the master and its replicas', async () => {
    const master = await discovery.master();
    const replica = await discovery.replica();

    assert.deepEqual(address(master), address(await group.master()));
    assert.ok((await group.replicas()).some(({ port }) => port === replica.port));
    assert.equal(discovery.topology.phase, 'up');
    assert.equal(discovery.topology.sentinels.length, 3);
    await discovery.close();
  });

  test('follows the master, with one event for the switch and one picture for each change', async () => {
    const old = await discovery.master();
    const pictures = [];
    discovery.on('topology', (topology) => pictures.push(topology.generation));
    const switched = once(discovery, 'switched');
    const master = once(discovery, 'master');

    const { to } = await group.failover('kill');

    const [now, before] = await master;
    assert.deepEqual([address(now), address(before)], [to, address(old)]);
    const [event] = await switched;
    assert.ok(event.at instanceof Date);
    assert.deepEqual(address(await discovery.master()), to);
    assert.deepEqual(
      pictures,
      pictures.toSorted((a, b) => a - b),
    );
    await discovery.close();
  });

  test('tells when writes are held and when that ends', async () => {
    await discovery.master();
    await watched(group);
    const held = once(discovery, 'hold-start');
    const released = once(discovery, 'hold-end');

    await group.failover('command');

    await Promise.all([held, released]);
    await discovery.close();
  });

  test('asks again when a client reports that a master takes no writes', async () => {
    const old = await discovery.master();
    const pictures = [];
    discovery.on('topology', ({ phase }) => pictures.push(phase));

    discovery.report(old, 'readonly');
    while (!pictures.includes('up')) await once(discovery, 'topology');

    assert.ok(pictures.includes('suspect'));
    assert.equal(discovery.topology.master.port, old.port);
    await discovery.close();
  });

  test('loses no time to a sentinel that hangs', async (t) => {
    await group.sentinels[0].pause();
    const begun = performance.now();

    await discovery.master({ timeout: 20_000 });

    // The stock clients take more than 20 s; the bench `frozen` holds the figure.
    t.diagnostic(`found after ${Math.round(performance.now() - begun)} ms`);
    await discovery.close();
  });

  test('says within its time why there is no master', async () => {
    const lost = new Discovery({ sentinels: ['127.0.0.1:1'], name: 'mymaster' });
    const error = await lost.master({ timeout: 700 }).catch((caught) => caught);

    assert.ok(error instanceof SentinelleError, String(error));
    assert.equal(error.code, 'ERR_NO_SENTINEL');
    assert.ok(
      error.attempts.some((line) => line.includes('127.0.0.1:1')),
      String(error.attempts),
    );
    await lost.close();

    const stranger = new Discovery({ ...group.discovery(), name: 'nobody' });
    await assert.rejects(stranger.master({ timeout: 700 }), { code: 'ERR_UNKNOWN_MASTER' });
    await stranger.close();
    await discovery.close();
  });

  test('gives up when the signal says so', async () => {
    const lost = new Discovery({ sentinels: ['127.0.0.1:1'], name: 'mymaster' });
    const stop = new AbortController();
    const asked = lost.master({ signal: stop.signal });

    stop.abort();

    await assert.rejects(asked, { code: 'ERR_ABORTED' });
    await lost.close();
    await assert.rejects(lost.master(), { code: 'ERR_CLOSED' });
    await discovery.close();
  });

  test('takes a URL, and a function that tells the sentinels', async () => {
    const byUrl = new Discovery(group.url);
    const byFunction = new Discovery({ ...group.discovery(), sentinels: async () => group.sentinelAddresses });

    assert.equal((await byUrl.master()).port, (await group.master()).port);
    assert.equal((await byFunction.master()).port, (await group.master()).port);
    await Promise.all([byUrl.close(), byFunction.close(), discovery.close()]);
  });

  test('maps addresses, by a table and by a function', async () => {
    const master = await group.master();
    const elsewhere = group.nodes.find((node) => node !== master);
    const table = new Discovery({ ...group.discovery(), probe: 'none', addressMap: { [`${master}`]: { host: elsewhere.host, port: elsewhere.port } } });
    const byFunction = new Discovery({ ...group.discovery(), addressMap: (told) => (told === `${master}` ? { host: 'localhost', port: master.port } : null) });

    assert.equal((await table.master()).port, elsewhere.port);
    assert.equal((await byFunction.master()).host, 'localhost');
    await Promise.all([table.close(), byFunction.close(), discovery.close()]);
  });

  test('looks the master up for sockets that connect by name', async () => {
    const { host } = await discovery.master();

    const found = await promisify(discovery.lookup)('anything', {});

    assert.equal(found, host);
    await discovery.close();
  });

  test('keeps no process alive', async () => {
    const { stdout } = await run(process.execPath, [join(__dirname, 'programs', 'discover.js'), group.url], { timeout: 60_000 });

    assert.equal(stdout, `${(await group.master()).port}\n`);
    await discovery.close();
  });
});

test('every kind of failure has a code of its own', () => {
  const kinds = native.errorKinds();

  assert.deepEqual(Object.keys(CODES).sort(), [...kinds].sort());
  assert.equal(new Set(Object.values(CODES)).size, kinds.length);
});

test('every option of a discovery can be set by its name here', () => {
  const { toPairs } = require('../lib/options.js');
  const rows = native.optionTable().filter(([, , , , scopes]) => scopes.split(' ').includes('discovery'));
  const ownWay = /^(sentinel_)?tls_|^(sentinels|address_map)$/;
  const names = { discover_peers: 'learnSentinels', refresh_ms: 'pollInterval', sentinel_time_ms: 'queryTimeout', hold_max_ms: 'holdMax', verify: 'probe' };

  for (const [key] of rows.filter(([name]) => !ownWay.test(name))) {
    const name = names[key] ?? key.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
    assert.deepEqual(
      toPairs('discovery', { [name]: 'x' }).map(([made]) => made),
      [key],
    );
  }
});
