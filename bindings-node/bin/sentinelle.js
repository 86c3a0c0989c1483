#!/usr/bin/env node
// Decides what `npx sentinelle` does: runs sentinels from a file, or a test group to play with.
'use strict';

const { Sentinel, binding } = require('../lib/index.js');
const { TestGroup } = require('../lib/testing/index.js');

const USAGE = `usage: sentinelle <sentinel.conf>     a sentinel as the file says, until it is told to stop
       sentinelle group [replicas]   a master, replicas and three sentinels for tests, until it is told to stop
       sentinelle --version`;

/** Until SIGINT or SIGTERM. */
function untilStopped() {
  return new Promise((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
}

/** @param {string[]} args */
async function main([verb, count]) {
  if (verb === '--version') {
    console.log(`sentinelle ${binding.version} (${binding.target})`);
  } else if (verb === 'group') {
    await using(TestGroup.start({ replicas: Number(count ?? 2) }), (group) => console.log(group.url));
  } else if (verb && !verb.startsWith('-')) {
    await using(Sentinel.start(verb), (sentinel) => {
      sentinel.on('message', ({ channel, payload }) => console.log(channel, payload));
      console.log(`sentinel ${sentinel.id} listens on ${sentinel.address.host}:${sentinel.address.port}`);
    });
  } else {
    console.error(USAGE);
    process.exitCode = 2;
  }
}

/** @template {{ [Symbol.asyncDispose](): Promise<void> }} T @param {Promise<T>} starting @param {(thing: T) => void} tell */
async function using(starting, tell) {
  // Listened for before anybody is told that there is something to stop.
  const stopped = untilStopped();
  const thing = await starting;
  tell(thing);
  await stopped;
  await thing[Symbol.asyncDispose]();
}

main(process.argv.slice(2)).catch((error) => {
  console.error(`sentinelle: ${error.message}`);
  process.exitCode = 1;
});
