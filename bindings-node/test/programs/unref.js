// A program that starts a sentinel without being kept alive by it, and just ends.
'use strict';

const { Sentinel } = require('sentinelle');

Sentinel.start({ ref: false, monitor: [{ name: 'cart', host: '127.0.0.1', port: 1, quorum: 1, downAfter: 1 }] }).then(() => console.log('started'));
