// Decides what `sentinelle/client` exports.
'use strict';

const { Client } = require('./client.js');
const { Lease } = require('./lease.js');
const { Subscription } = require('./subscription.js');
const { Pipeline } = require('./transaction.js');
const { PipelineError, ReplyError, SentinelleError } = require('../errors.js');

module.exports = { Client, Lease, Subscription, Pipeline, PipelineError, ReplyError, SentinelleError };
