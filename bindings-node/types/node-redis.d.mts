// The types of `sentinelle/node-redis` for importers: the same as for `require`.
export * from './node-redis.js';
