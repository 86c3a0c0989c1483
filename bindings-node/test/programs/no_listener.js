// A program with a sentinel client that listens to no errors, while the sentinels go away.
'use strict';

const [kind, options] = process.argv.slice(2);
const { createSentinel } = kind === 'stock' ? require('redis') : require('sentinelle/node-redis');

const sentinel = createSentinel(JSON.parse(options));
sentinel.connect().then(() => {
  console.log('connected');
  setTimeout(() => process.exit(0), 4000);
});
