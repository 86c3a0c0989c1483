// The types of `sentinelle` for importers: the same as for `require`.
export * from './index.js';
