// Decides what `import ... from 'sentinelle/ioredis'` gives: the very same objects as `require`.
import adapter from '../lib/ioredis.js';

export const { Redis, connector, redisOptions } = adapter;
export default adapter.Redis;
