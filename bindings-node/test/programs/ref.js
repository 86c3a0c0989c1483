// A program that is kept alive by its sentinel until it closes it.
'use strict';

const { Sentinel } = require('sentinelle');

Sentinel.start().then((sentinel) => {
  console.log('started');
  // This timer alone would not keep the program alive.
  setTimeout(() => sentinel.close().then(() => console.log('closed')), 200).unref();
});
