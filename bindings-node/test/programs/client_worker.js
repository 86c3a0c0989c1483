// A worker with a client: writes, reads, and closes it, or is ended with it open.
'use strict';

const { parentPort, workerData } = require('node:worker_threads');
const { Client } = require('sentinelle/client');

/** @param {{ url: string, end: string }} data */
async function run({ url, end }) {
  const client = new Client(url);
  await client.set(end, end);
  parentPort.postMessage(await client.get(end));
  if (end === 'natural') await client.close();
}

run(workerData);
