// The types of `sentinelle/client` for importers: the same as for `require`.
export * from './client.js';
