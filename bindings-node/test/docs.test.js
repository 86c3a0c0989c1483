// What is said in the README and the examples is what happens.
'use strict';

const assert = require('node:assert/strict');
const { execFile, spawn } = require('node:child_process');
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { after, before, beforeEach, describe, test } = require('node:test');
const { promisify } = require('node:util');
const { TestGroup } = require('sentinelle/testing');
const { until } = require('./writer.js');

const run = promisify(execFile);
const HOME = join(__dirname, '..');
const README = join(HOME, 'README.md');
const EXAMPLES = join(__dirname, '..', '..', 'examples', 'node');
const example = (name) => join(EXAMPLES, name);

test('the README quotes the examples as they are', () => {
  const text = readFileSync(README, 'utf8');
  const renewed = text.replace(
    /(<!-- quoted: (\S+) -->\n```js\n)[\s\S]*?(```\n)/g,
    (_, open, name, close) => open + readFileSync(example(name), 'utf8') + close,
  );

  if (process.env.BLESS) writeFileSync(README, renewed);
  else assert.equal(text, renewed, 'BLESS=1 renews it');
});

describe('with a group', () => {
  let group;
  before(async () => {
    group = await TestGroup.start();
  });
  after(() => group.stop());
  beforeEach(() => group.reset());

  const blocks = readFileSync(README, 'utf8')
    .split(/^(?=```js\n|<!-- quoted)/m)
    .filter((part) => part.startsWith('```js\n') && part.length > 10);
  const own = blocks.map((part) => part.slice(6, part.indexOf('\n```', 6))).filter((code) => code.includes('SENTINEL_PORT'));

  for (const [index, code] of own.entries()) {
    test(`program ${index + 1} of the README runs`, async () => {
      const file = join(__dirname, `readme-${index}.tmp.mjs`);
      writeFileSync(file, code);

      try {
        await run(process.execPath, [file], { timeout: 60_000, env: { ...process.env, SENTINEL_PORT: String(group.sentinels[0].port) } });
      } finally {
        rmSync(file);
      }
    });
  }

  test('discover names the master', async () => {
    const { stdout } = await run(process.execPath, [example('discover.mjs'), group.url], { timeout: 60_000 });

    assert.ok(stdout.includes(`master ${await group.master()}\n`), stdout);
  });

  test('pool writes and reads', async () => {
    const { stdout } = await run(process.execPath, [example('pool.mjs'), group.url], { timeout: 60_000 });

    assert.match(stdout, /^green\n\[ 1, 1 \]\n\[ 'OK' \]\n$/);
  });

  for (const [name, said] of [
    ['discover.mjs', /^master 127\.0\.0\.1:\d+\n/],
    ['pool.mjs', /^green\n\[ 1, 1 \]\n\[ "OK" \]\n$/],
  ]) {
    test(`${name} runs on Deno`, async (t) => {
      const cache = mkdtempSync(join(tmpdir(), 'sentinelle-deno-'));
      t.after(() => rmSync(cache, { recursive: true, force: true }));
      const env = { ...process.env, DENO_DIR: cache, DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1' };

      const { stdout } = await run(join(HOME, 'node_modules', '.bin', 'deno'), ['run', '--allow-all', name, group.url], {
        timeout: 60_000,
        cwd: EXAMPLES,
        env,
      });

      assert.match(stdout, said);
    });
  }

  test('embed monitors the master', async (t) => {
    // A group of its own: the others would remember the guest.
    const servers = await TestGroup.start({ sentinels: 0, replicas: 0 });
    t.after(() => servers.stop());
    const [{ host, port }] = servers.nodes;

    const { stdout } = await run(process.execPath, [example('embed.mjs'), host, String(port)], { timeout: 60_000 });

    assert.match(stdout, /listens on port \d+/);
  });

  test('watch tells of a switch', async () => {
    const child = spawn(process.execPath, [example('watch.mjs'), group.url]);
    let text = '';
    child.stdout.on('data', (chunk) => (text += chunk));
    const ended = new Promise((resolve) => child.once('exit', resolve));
    await until(() => text.includes('master '), 'the master is found');

    const { to } = await group.failover('kill');

    assert.equal(await ended, 0);
    assert.ok(text.includes(`moved to ${to.host}:${to.port}`), text);
  });

  test('the bin runs a group until it is told to stop', async () => {
    const child = spawn(process.execPath, [join(HOME, 'bin', 'sentinelle.js'), 'group', '0']);
    let text = '';
    child.stdout.on('data', (chunk) => (text += chunk));
    const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
    await until(() => text.includes('\n'), 'it says where the group is');

    child.kill('SIGTERM');

    assert.match(text, /^redis\+sentinel:\/\/\S+\/mymaster\n$/);
    assert.equal(await ended, 0);
  });

  test('the bin says who it is and what it cannot do', async () => {
    const bin = join(__dirname, '..', 'bin', 'sentinelle.js');

    assert.match((await run(process.execPath, [bin, '--version'])).stdout, /^sentinelle \d+\.\d+\.\d+ \(\S+\)\n$/);
    await assert.rejects(run(process.execPath, [bin]), { code: 2 });
    await assert.rejects(run(process.execPath, [bin, '/nowhere.conf']), { code: 1, stderr: /nowhere/ });
  });
});

test('the tests of in_your_tests pass', async () => {
  const env = { ...process.env };
  // A runner inside a runner would report to the outer one.
  delete env.NODE_TEST_CONTEXT;

  const { stdout } = await run(process.execPath, ['--test', example('in_your_tests.test.mjs')], { timeout: 60_000, env });

  assert.match(stdout, /# fail 0/);
  assert.match(stdout, /# pass [1-9]/);
});
