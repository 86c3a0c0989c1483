// The types of `sentinelle/ioredis` for importers: the same as for `require`.
export * from './ioredis.js';
export { Redis as default } from './ioredis.js';
