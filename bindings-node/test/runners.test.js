// useGroup with the runners that people use, each as its own program.
'use strict';

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const { join } = require('node:path');
const { test } = require('node:test');

const HOME = join(__dirname, '..');

/** Runs a runner's program; gives all that it printed. */
function runner(name, ...args) {
  const env = { ...process.env, CI: 'true', NO_COLOR: '1' };
  // A runner inside a runner would report to the outer one.
  delete env.NODE_TEST_CONTEXT;
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [join(HOME, 'node_modules', name), ...args], { cwd: HOME, env, timeout: 240_000 }, (error, stdout, stderr) => {
      const text = stdout + stderr;
      if (error) reject(new Error(`${error.message}\n${text}`));
      else resolve(text);
    });
  });
}

test('mocha', async () => {
  assert.match(await runner('mocha/bin/mocha.js', 'test/runners/mocha.js'), /2 passing/);
});

test('jest, which finds nothing left open', async () => {
  const config = JSON.stringify({ testEnvironment: 'node', testMatch: ['**/runners/jest.js'], transform: {} });
  const text = await runner('jest/bin/jest.js', '--config', config, '--runInBand', '--detectOpenHandles');

  assert.match(text, /Tests: +2 passed, 2 total/);
  assert.doesNotMatch(text, /open handle|did not exit/);
});

test('vitest, without globals', async () => {
  const text = await runner('vitest/vitest.mjs', 'run', '--dir', 'test/runners', '--config', 'test/runners/vitest.config.mjs');

  assert.match(text, /Tests +2 passed/);
});
