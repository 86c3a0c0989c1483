// What a program gets that installs the packages as they are published: every door, in both module systems, with types.
'use strict';

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { after, before, describe, test } = require('node:test');
const { promisify } = require('node:util');
const { binding } = require('sentinelle');

const run = promisify(execFile);
const HOME = join(__dirname, '..');
const { exports: doors, version } = require('../package.json');

/** The doors that a program goes through, and what is behind each. */
const NAMES = {
  sentinelle: ['Sentinel', 'Discovery', 'SentinelleError', 'ReplyError', 'PipelineError', 'binding'],
  'sentinelle/client': ['Client', 'SentinelleError', 'ReplyError', 'PipelineError'],
  'sentinelle/ioredis': ['Redis', 'connector', 'redisOptions'],
  'sentinelle/node-redis': ['createSentinel', 'follow', 'socketOptions'],
  'sentinelle/testing': ['TestGroup', 'useGroup', 'globalSetup', 'fromEnv'],
};

describe('the packages', () => {
  let folder;
  const inside = { timeout: 120_000, env: { ...process.env, NODE_PATH: '' } };
  const program = (name, text) => writeFileSync(join(folder, name), text);
  const node = async (...args) => (await run(process.execPath, args, { ...inside, cwd: folder })).stdout;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sentinelle-package-'));
    const { stdout } = await run(join(HOME, 'pack.sh'), [folder], { timeout: 240_000 });
    const archives = stdout.trim().split('\n');
    assert.equal(archives.length, 2, stdout);
    program('package.json', '{ "private": true }');
    // Nothing may come from a registry: the packages of other platforms are passed over.
    const flags = ['--offline', '--no-audit', '--no-fund', '--no-package-lock', '--legacy-peer-deps', '--loglevel=error'];
    await run('npm', ['install', ...flags, ...archives.map((name) => `./${name}`)], { ...inside, cwd: folder });
    // What users have beside it.
    for (const name of ['ioredis', '@ioredis', 'redis', '@redis', 'typescript', '@types', 'undici-types']) {
      symlinkSync(join(HOME, 'node_modules', name), join(folder, 'node_modules', name));
    }
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('the native part comes from the package of this platform', async () => {
    assert.ok(existsSync(join(folder, 'node_modules', `sentinelle-${binding.target}`, `sentinelle.${binding.target}.node`)));
    assert.ok(!existsSync(join(folder, 'node_modules', 'sentinelle', `sentinelle.${binding.target}.node`)));
    assert.equal(await node('-p', 'require("sentinelle").binding.version'), `${version}\n`);
  });

  test('every door opens, in both module systems, to the same things', async () => {
    assert.deepEqual(
      Object.keys(doors).filter((door) => door !== './package.json'),
      Object.keys(NAMES).map((name) => name.replace('sentinelle', '.')),
    );
    for (const [door, names] of Object.entries(NAMES)) {
      program(
        'doors.mjs',
        `
        import { createRequire } from 'node:module';
        import * as imported from '${door}';
        const required = createRequire(import.meta.url)('${door}');
        const same = ${JSON.stringify(names)}.filter((name) => required[name] !== undefined && imported[name] === required[name]);
        console.log(same.join(' '));`,
      );
      assert.equal(await node('doors.mjs'), `${names.join(' ')}\n`, door);
    }
  });

  test('its types are found from both module systems', async () => {
    const lines = Object.entries(NAMES).map(
      ([door, names], index) => `import { ${names.map((name) => `${name} as ${name}${index}`).join(', ')} } from '${door}';`,
    );
    const uses = Object.values(NAMES).flatMap((names, index) => names.map((name) => `void ${name}${index};`));
    const text = [...lines, ...uses].join('\n');
    program('modern.mts', text);
    program('classic.cts', text);
    const flags = [
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      '--module',
      'node16',
      '--target',
      'es2023',
      '--lib',
      'es2023,esnext.disposable',
      '--types',
      'node',
    ];

    await run(process.execPath, [join(HOME, 'node_modules', 'typescript', 'bin', 'tsc'), ...flags, 'modern.mts', 'classic.cts'], {
      ...inside,
      cwd: folder,
    }).catch(({ stdout }) => assert.fail(stdout));
  });

  test('its program is there', async () => {
    const { stdout } = await run(join(folder, 'node_modules', '.bin', 'sentinelle'), ['--version'], inside);

    assert.equal(stdout, `sentinelle ${version} (${binding.target})\n`);
  });

  test('where no package fits, the error says which one is missing', async () => {
    const name = join(folder, 'node_modules', `sentinelle-${binding.target}`);
    cpSync(name, `${name}-away`, { recursive: true });
    rmSync(name, { recursive: true });

    const text = await node('-e', 'try { require("sentinelle").binding.version } catch ({ code, message }) { console.log(code, message) }');

    assert.match(text, new RegExp(`^ERR_UNSUPPORTED there is no native part for ${binding.target}: the package sentinelle-${binding.target} `));
    assert.match(await node('-p', 'new (require("sentinelle").SentinelleError)("ERR_STATE", "it works without").message'), /it works without/);
  });
});
