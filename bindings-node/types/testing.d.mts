// The types of `sentinelle/testing` for importers: the same as for `require`.
export * from './testing.js';
