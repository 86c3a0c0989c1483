// A program with a sentinel client that listens to no errors, while the sentinels go away.
'use strict';

const [kind, options] = process.argv.slice(2);
const { createSentinel } = kind === 'stock' ? require('redis') : require('sentinelle/node-redis');

/** Ends once the client knows that its sentinels are gone, when it is still there by then. */
async function run() {
  const sentinel = createSentinel(JSON.parse(options));
  await sentinel.connect();
  console.log('connected');
  // The stock client ends the process by itself; this timer only keeps it alive until then.
  if (kind === 'stock') return setInterval(() => {}, 1000);
  const isAlone = () => sentinel.discovery.topology.sentinels.every(({ up }) => !up);
  while (!isAlone()) await new Promise((resolve) => sentinel.discovery.once('topology', resolve));
  await sentinel.set('a', '1');
  process.exit(0);
}

run();
