// Decides when the native part is loaded: at the first use, so that errors and types work where there is none.
'use strict';

module.exports = {
  /** @type {any} */
  native: new Proxy({}, { get: (_, name) => require('./native.js').native[name] }),
};
