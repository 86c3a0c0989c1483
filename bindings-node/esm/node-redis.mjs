// Decides what `import ... from 'sentinelle/node-redis'` gives: the very same objects as `require`.
import adapter from '../lib/node_redis/index.js';

export const { createSentinel, follow, socketOptions } = adapter;
export default adapter;
