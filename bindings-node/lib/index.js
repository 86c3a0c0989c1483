// Decides what `sentinelle` exports: the embedded sentinel, the discovery, the errors.
'use strict';

const { Sentinel } = require('./sentinel.js');
const { Discovery } = require('./discovery.js');
const { PipelineError, ReplyError, SentinelleError } = require('./errors.js');
const { target } = require('./native.js');
const { native } = require('./native_proxy.js');

/** The native part in use. */
const binding = {
  get version() {
    return native.version();
  },
  get target() {
    return target();
  },
};

module.exports = { Sentinel, Discovery, SentinelleError, ReplyError, PipelineError, binding };
