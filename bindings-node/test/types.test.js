// The hand-written types against those that the build has generated.
'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { join } = require('node:path');
const { test } = require('node:test');

test('what the native part offers, the public types offer too', () => {
  const home = join(__dirname, '..');
  try {
    execFileSync(process.execPath, [join(home, 'node_modules', 'typescript', 'bin', 'tsc'), '--project', 'tsconfig.native.json'], { cwd: home });
  } catch ({ stdout }) {
    assert.fail(String(stdout));
  }
});
