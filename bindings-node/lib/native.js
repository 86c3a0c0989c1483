// Decides which file holds the native part: one named by the environment, one built here, or the package of this platform.
'use strict';

const { existsSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const { SentinelleError } = require('./errors.js');

/** The name of this platform as in the names of the packages, such as `linux-x64-gnu`. */
function target() {
  const { platform, arch } = process;
  if (platform === 'linux') return `linux-${arch}-${isMusl() ? 'musl' : 'gnu'}`;
  return platform === 'win32' ? `win32-${arch}-msvc` : `${platform}-${arch}`;
}

function isMusl() {
  try {
    return readFileSync('/usr/bin/ldd', 'latin1').includes('musl');
  } catch {
    // Without ldd the report tells which C library this program runs on.
    const report = /** @type {any} */ (process.report?.getReport());
    return report !== undefined && !report.header.glibcVersionRuntime;
  }
}

function load() {
  const named = process.env.SENTINELLE_NATIVE;
  if (named) return require(named);
  const name = target();
  const local = join(__dirname, '..', `sentinelle.${name}.node`);
  if (existsSync(local)) return require(local);
  try {
    return require(`sentinelle-${name}`);
  } catch (cause) {
    throw new SentinelleError(
      'ERR_UNSUPPORTED',
      `there is no native part for ${name}: the package sentinelle-${name} is not installed (was npm told to leave out optional dependencies?). ` +
        'WebAssembly is no way out, because it has no sockets.',
      { cause },
    );
  }
}

/** @type {any} */
let loaded;

module.exports = {
  /** The native part, loaded when it is first used. @type {any} */
  get native() {
    loaded ??= load();
    return loaded;
  },
  target,
};
