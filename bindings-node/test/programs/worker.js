// A worker that runs a sentinel: closes it, or is ended with it running.
'use strict';

const { parentPort, workerData } = require('node:worker_threads');
const { Sentinel } = require('sentinelle');

Sentinel.start().then(async (sentinel) => {
  parentPort.postMessage(sentinel.address.port);
  if (workerData === 'natural') await sentinel.close();
});
