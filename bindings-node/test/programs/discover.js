// A program that finds the master and ends, without closing anything.
'use strict';

const { Discovery } = require('sentinelle');

new Discovery(process.argv[2]).master().then(({ port }) => console.log(port));
